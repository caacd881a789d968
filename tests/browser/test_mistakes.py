"""Mistakes: a real model's mistakes on real photos, and Orchard's, as a person meets them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from xai_core.evaluation.run_folder import load_manifest

pytestmark = [pytest.mark.browser]
Open = Callable[..., Page]
Wait = Callable[[Page], None]
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
SCREENSHOTS = Path(__file__).with_name("screenshots")
MAPS = "[data-testid=stImage] img[alt*=' for ']"


@pytest.mark.slow
@pytest.mark.skipif(
    not (REAL / "labels.csv").is_file(), reason=f"no ImageNet model and photos: {REAL} is absent"
)
def test_a_real_networks_mistakes_on_real_photos(
    open_page: Open, settled: Wait, runs: Path
) -> None:
    link = {
        "model": f"mobilenet_v2@{REAL / 'mobilenet_v2_imagenet.pth'}",
        "folder": str(REAL),
        "methods": "cam secam grad_cam saliency",
    }
    page = open_page(f"mistakes?{urlencode(link)}", width=1400, height=2400)
    page.get_by_role("button", name="Your model and images").click()
    expect(page.get_by_text("51 images are looked at")).to_be_visible()
    page.get_by_role("button", name="Find the mistakes").click()
    page.wait_for_selector("text=n = 50 images", timeout=300_000)
    page.keyboard.press("Escape")

    (run,) = (path for path in runs.iterdir() if path.name.startswith("real-mobilenet"))
    manifest = load_manifest(run)
    with (REAL / "labels.csv").open() as file:
        truth = {row["file"]: int(row["class_index"]) for row in csv.DictReader(file)}
    labelled = [image for image in manifest["images"] if image["label"] is not None]
    assert {Path(image["image"]).name: image["label"] for image in labelled} == truth
    wrong = [image for image in labelled if not image["correct"]]
    assert 3 <= len(wrong) <= 15
    expect(
        page.get_by_text(f"n = 50 images), the model is right on {50 - len(wrong)}:")
    ).to_be_visible()

    settled(page)
    radios = page.locator(".st-key-gallery [role=radio]")
    expect(radios).to_have_count(len(wrong))
    surest = max(wrong, key=lambda image: image["probability"])
    names = manifest["classifier"]["categories"]
    predicted, true = names[surest["predicted"]], names[surest["label"]]
    expect(page.locator(".rowtitle").nth(0)).to_contain_text(predicted)
    expect(page.locator(".rowtitle").nth(0)).to_contain_text("predicted")
    expect(page.locator(".rowtitle").nth(1)).to_contain_text(true)
    expect(page.locator(".rowtitle").nth(2)).to_have_text(f"{predicted} more than {true}")
    alts = [seen.get_attribute("alt") or "" for seen in page.locator(MAPS).all()]
    assert [alt for alt in alts if alt.endswith(f"for {true}")] == [
        f"{title} for {true}" for title in ("CAM", "SeCAM", "Grad-CAM", "Saliency")
    ]
    SCREENSHOTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)
    page.screenshot(path=SCREENSHOTS / "mistakes_mobilenet.png")

    link_to_it = page.url
    assert "run=real-mobilenet" in link_to_it
    other = open_page(link_to_it[link_to_it.index("mistakes") :])
    settled(other)
    expect(other.locator(".rowtitle").nth(2)).to_have_text(f"{predicted} more than {true}")


def test_a_cell_filters_the_gallery(open_page: Open, settled: Wait) -> None:
    page = open_page("mistakes?shown=cam", height=1600)
    settled(page)
    manifest = load_manifest(Path(__file__).resolve().parents[2] / "data" / "runs" / "shipped")
    names = manifest["classifier"]["categories"]
    counts = np.zeros((len(names), len(names)), int)
    for image in manifest["images"]:
        counts[image["label"], image["predicted"]] += 1
    wrong = counts * (1 - np.eye(len(names), dtype=int))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    points = page.locator(".js-plotly-plot .scatterlayer").first.locator("path.point")
    points.nth(int(row) * len(names) + int(column)).click(force=True)
    expect(page.locator(".st-key-gallery [role=radio]")).to_have_count(int(wrong.max()))
    page.wait_for_function(f"() => location.search.includes('confusion={row}-{column}')")
    settled(page)
    expect(page.locator(".rowtitle").nth(0)).to_contain_text(names[column])
    expect(page.locator(".rowtitle").nth(1)).to_contain_text(names[row])
