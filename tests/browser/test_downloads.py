"""Every file that a page offers opens, and holds what the page shows."""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from xai_core import DATA

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
        reason="data/runs/shipped is not here: make it with campare",
    ),
]
Open = Callable[..., Page]
Download = Callable[[Page, str], bytes]
TABLE = ":is([data-testid=stDataFrame] table[role=grid], .table table)"


def open_figures(page: Page, download: Download) -> Image.Image:
    """The PNG, after the SVG was parsed and a page was found in the PDF."""
    svg = ET.fromstring(download(page, "Figure as SVG"))
    assert svg.tag.endswith("svg")
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}image"))) >= 3
    pdf = download(page, "Figure as PDF")
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    return Image.open(io.BytesIO(download(page, "Figure as PNG")))


def cells(page: Page) -> list[list[str]]:
    """The table on the page, header first, as a screen reader is told it."""
    rows = page.locator(TABLE).first.locator("tr")
    return rows.evaluate_all(
        "rows => rows.map(row => [...row.children].map(cell => cell.textContent))"
    )


def matches(page: Page, table: pd.DataFrame) -> None:
    """Every cell that the page shows, a group of columns, is in the table that was downloaded."""
    header, *rows = cells(page)
    assert set(header) <= set(table.columns)
    assert rows
    table = table[header]
    two_digits = header.index("Seconds") if "Seconds" in header else -1
    for shown, stored in zip(rows, table.itertuples(index=False), strict=False):
        for column, (text, value) in enumerate(zip(shown, stored, strict=False)):
            if isinstance(value, str):
                assert text == value
            elif text == "< 0.001":
                assert value < 0.001
            elif np.isfinite(value):
                relative = 0.051 if column == two_digits else 1e-9
                assert float(text) == pytest.approx(value, abs=5.001e-4, rel=relative)


def test_comparison(open_page: Open, download: Download) -> None:
    page = open_page("?methods=cam+secam")
    saved = Image.open(io.BytesIO(download(page, "Save figure")))
    assert saved.width == pytest.approx(17.5 / 2.54 * 300, abs=3)
    page.get_by_role("tab", name="Export").click()
    picture = open_figures(page, download)
    assert picture.width == pytest.approx(17.5 / 2.54 * 300, abs=3)  # a page's width
    colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours[::97], axis=0)) > 1000
    maps = np.load(io.BytesIO(download(page, "Maps as NPZ")))["maps"]
    assert maps.shape[:2] == (2, 1)
    assert maps.min() < 0 < maps.max()
    page.get_by_role("tab", name="All scores").click()
    page.locator(f"{TABLE} td").first.wait_for(state="attached")
    table = pd.read_csv(io.BytesIO(download(page, "CSV")))
    assert list(table["Method"]) == ["CAM", "SeCAM"]
    matches(page, table)
    latex = download(page, "LaTeX").decode()
    measure = table.columns[2]
    assert f"{table[measure][0]:.3f}" in latex
    assert measure.replace("↑", r"$\uparrow$").replace("↓", r"$\downarrow$") in latex


def test_sweep_of_superpixels_and_thresholds(open_page: Open, download: Download) -> None:
    page = open_page("cam_vs_secam")
    page.get_by_role("tab", name="Superpixels × threshold").click()
    page.get_by_text("200 superpixels").first.wait_for()
    shown = page.locator("[data-testid=stImage] img[alt$='of the maximum']")
    expect(shown).to_have_count(4 * 5)
    picture = open_figures(page, download)
    assert picture.width == pytest.approx(5 * 1.5 * 300, abs=3)
    page.get_by_role("tab", name="Over all images").click()
    page.locator(f"{TABLE} td").first.wait_for(state="attached")
    matches(page, pd.read_csv(io.BytesIO(download(page, "CSV"))))


def test_leaderboard_and_its_charts(open_page: Open, download: Download) -> None:
    page = open_page("leaderboard", height=1500)
    page.locator(f"{TABLE} td").first.wait_for(state="attached")
    table = pd.read_csv(io.BytesIO(download(page, "CSV")))
    assert len(table) > 5
    matches(page, table)
    latex = download(page, "LaTeX").decode()
    assert latex.count(r"\\") == len(table) + 1
    assert f"{table['Headline rank'][0]:.3f}" in latex
    page.get_by_role("button", name="Save figure").first.click()
    svg = ET.fromstring(download(page, "SVG"))
    said = "".join("".join(svg.itertext()).split())  # long names stand in two lines
    assert all("".join(method.split()) in said for method in table["Method"])
    assert len(re.findall(rb"/Type /Page\b", download(page, "PDF"))) == 1
    assert Image.open(io.BytesIO(download(page, "PNG"))).width == 7 * 300
