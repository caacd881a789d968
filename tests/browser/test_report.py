"""A report, clicked together: chosen, previewed, downloaded; its page opens and asks nobody."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.report.conftest import write_run
from xai_core.report.explained import explained_images
from xai_core.report.material import Choice, load_material
from xai_core.report.tables import tables_of
from xai_core.report.webpage import Shown, webpage

pytestmark = pytest.mark.browser
METHODS = ["cam", "secam"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    material = load_material(write_run(folder / "small", images=12), Choice())
    images, _ = explained_images(material, METHODS)
    tables = list(tables_of(material))
    html = webpage([Shown(material, images, METHODS, tables)], [], "What was done.")
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def opened_offline(browser: Any, page_file: Path) -> Page:
    """The file in a browser without a network, after which it asked for nothing but itself."""
    page: Page = browser.new_context(offline=True).new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    own = [url for url in requests if not url.startswith("data:")]
    assert own == [page_file.as_uri()]
    return page


def slides(page: Page, methods: int) -> None:
    """The slider cuts every method's heatmap at the same place."""
    over = page.locator(".maps:not([hidden]) .over")
    assert over.count() == methods
    for value in (20, 80):
        page.locator(".cut").fill(str(value))
        cuts = over.evaluate_all("all => all.map(one => getComputedStyle(one).clipPath)")
        assert cuts == [f"inset(0px 0px 0px {value}%)"] * methods


def test_the_slider_cuts_all_methods_alike_and_nothing_is_requested(
    browser: Any, page_file: Path
) -> None:
    page = opened_offline(browser, page_file)
    slides(page, len(METHODS))
    page.locator(".which").select_option("1")
    assert page.locator(".maps:not([hidden]) img").first.get_attribute("alt") == "1_x&y"
    assert page.locator(".maps:visible").count() == 1
    named = str(page.locator(".which").text_content())
    assert "a_b & 50 % #1 70 %" in named
    assert "漢字 70 %" in named
    assert page.locator("tbody b").count() >= 1


def test_a_report_is_chosen_previewed_and_downloaded(
    open_page: Callable[..., Page],
    settled: Callable[[Page], None],
    browser: Any,
    runs: Path,
    tmp_path: Path,
) -> None:
    """At most four interactions without a choice; here one metric and one width are chosen too."""
    write_run(runs / "small_run", images=12)
    page = open_page("report?run=small_run")
    expect(page.locator(".answer")).to_contain_text("small_run: own_data & 10 %")
    settled(page)
    page.get_by_text("Methods, metrics, images and widths").click()
    for label, word in (("Metrics", "Deletion"), ("Widths", "column")):
        settled(page)  # a list that is open closes when the page is drawn or unfolded
        box = page.get_by_role("combobox", name=label)
        box.click()
        page.get_by_role("option", name=word).first.click()
        page.keyboard.press("Escape")
    expect(page.locator(".answer")).to_contain_text("4 methods, 1 metric")
    page.get_by_role("button", name="Make the report").click()
    download = page.get_by_role("button", name="Download the report")
    expect(download).to_be_visible()
    previews = page.get_by_test_id("stImage").locator("img")
    expect(previews.first).to_be_visible()
    assert all(previews.evaluate_all("all => all.map(one => one.naturalWidth > 300)"))
    expect(page.locator(".note").filter(has_text="Wilcoxon").first).to_be_attached()
    with page.expect_download() as found:
        download.click()
    assert found.value.suggested_filename == "report-small_run.zip"
    with zipfile.ZipFile(io.BytesIO(Path(found.value.path()).read_bytes())) as archive:
        archive.extractall(tmp_path)
    report = tmp_path / "report"
    stems = {path.name.rpartition("-")[0] for path in (report / "figures").glob("*-column.pdf")}
    assert previews.count() == len(stems)
    assert {path.name for path in report.iterdir()} >= {
        "tables", "figures", "slides.pptx", "report.html", "references.bib", "methods.tex",
    }  # fmt: skip
    offline = opened_offline(browser, report / "report.html")
    slides(offline, offline.locator(".maps:not([hidden]) .pair").count())
    assert offline.locator(".maps:not([hidden]) .pair").count() >= 2
