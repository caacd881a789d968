"""Twenty methods on twelve megapixels, and methods of many passes: maps arrive one by one."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from xai_core.methods import METHODS

pytestmark = [pytest.mark.browser]
Open = Callable[..., Page]
Tell = Callable[[str], None]
Upload = Callable[..., None]
MAPS = "[data-testid=stImage] img[alt*=' for ']"
OF_IT = f"""[...document.querySelectorAll("{MAPS}")].filter(
    one => Math.abs(one.naturalWidth / one.naturalHeight - 4 / 3) < 0.01
)"""
"""The maps of a picture of 4 to 3; all others are square."""
MANY = [name for name, method in METHODS.items() if method.family != "attention"][:20]


def test_first_maps_stand_early_and_controls_answer(
    open_page: Open, upload: Upload, tell: Tell, tmp_path: Path
) -> None:
    rows, columns = np.mgrid[0:3000, 0:4000]
    pixels = np.stack([rows // 12, columns // 16, (rows // 300 + columns // 300) % 2 * 200], -1)
    file = tmp_path / "large.jpg"
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    page = open_page("?methods=" + "+".join(MANY), height=1500)
    page.wait_for_selector("[data-testid=stImage] img[alt^='HiResCAM for']")  # it is loaded
    upload(page, file, seconds=4)  # a person looks for a file so long at least
    begin = time.perf_counter()
    expect(page.get_by_text("4000 × 3000 px")).to_be_visible()

    def stand(count: int) -> None:
        page.wait_for_function(f"count => {OF_IT}.length >= count", arg=count)
        seconds = time.perf_counter() - begin
        tell(f"12 megapixels, {len(MANY)} methods, {count} maps: {seconds:.2f} s")

    stand(1)
    page.keyboard.press("Escape")
    pressed = time.perf_counter()
    page.get_by_role("slider", name="Opacity of the map").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"opacity=0\.65"))
    seconds, standing = time.perf_counter() - pressed, page.evaluate(f"{OF_IT}.length")
    tell(f"opacity answers after {seconds:.2f} s, {standing} maps stand")
    for count in (3, 6, 9):
        stand(count)
    expect(page.locator(".card h3")).to_have_count(len(MANY) + 1)  # the picture has one, too


def test_a_long_method_does_not_stand_in_the_way(
    open_page: Open, upload: Upload, tell: Tell, tmp_path: Path
) -> None:
    file = tmp_path / "small.png"
    Image.fromarray(np.mgrid[0:200, 0:300].sum(0).astype(np.uint8)).save(file)
    page = open_page("?methods=cam+ablation_cam")
    page.wait_for_selector("[data-testid=stImage] img[alt^='CAM for']")
    expect(page.get_by_text("computing …")).to_have_count(1)
    upload(page, file, seconds=6)  # then it is in the middle of its 2,049 passes
    begin = time.perf_counter()
    expect(page.get_by_text("300 × 200 px")).to_be_visible()
    page.wait_for_selector("[data-testid=stImage] img[alt^='CAM for']")
    tell(f"another picture while Ablation-CAM is at work: {time.perf_counter() - begin:.2f} s")
    expect(page.get_by_text("computing …")).to_have_count(1)
