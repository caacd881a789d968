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

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Page]
Tell = Callable[[str], None]
Upload = Callable[..., None]
MAPS = ".layers img[alt*=' for ']"
NOTE_WHEN_MAPS_STAND = f"""() => {{
    const begin = performance.now(), seen = new Set();
    window.stand = [];
    const look = () => {{
        for (const one of document.querySelectorAll("{MAPS}"))
            if (!seen.has(one.alt) && Math.abs(one.naturalWidth / one.naturalHeight - 4 / 3) < 0.01)
                seen.add(one.alt), stand.push((performance.now() - begin) / 1000);
        requestAnimationFrame(look);
    }};
    look();
}}"""
"""Notes the seconds at which maps of an image of 4 to 3 were there; all others are square."""
MANY = [name for name, method in METHODS.items() if method.family != "attention"][:20]


def test_first_maps_stand_early_and_controls_answer(
    open_page: Open, tell: Tell, tmp_path: Path
) -> None:
    rows, columns = np.mgrid[0:3000, 0:4000]
    pixels = np.stack([rows // 12, columns // 16, (rows // 300 + columns // 300) % 2 * 200], -1)
    file = tmp_path / "large.jpg"
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    page = open_page("?methods=" + "+".join(MANY), height=1500)
    page.wait_for_selector(".layers img[alt^='HiResCAM for']")  # it is loaded
    page.get_by_role("button", name="Your image").click()
    page.wait_for_timeout(4000)  # a person looks for a file so long at least
    page.evaluate(NOTE_WHEN_MAPS_STAND)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("4000 × 3000 px")).to_be_visible()
    page.wait_for_function("stand.length > 0")
    page.keyboard.press("Escape")
    pressed = time.perf_counter()
    page.get_by_role("slider", name="Opacity of the map").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"opacity=0\.65"))
    seconds, standing = time.perf_counter() - pressed, page.evaluate("stand.length")
    tell(f"opacity answers after {seconds:.2f} s, {standing} maps stand")
    page.wait_for_function(f"stand.length >= {len(MANY) // 2}")
    stood = ", ".join(f"{count} after {page.evaluate('stand')[count - 1]:.2f} s"
                      for count in (1, 3, 6, 10))  # fmt: skip
    tell(f"12 megapixels, {len(MANY)} methods: maps {stood}")
    expect(page.locator(".card h3")).to_have_count(len(MANY) + 1)  # the image has one, too


def test_a_long_method_does_not_stand_in_the_way(
    open_page: Open, upload: Upload, tell: Tell, tmp_path: Path
) -> None:
    file = tmp_path / "small.png"
    Image.fromarray(np.mgrid[0:200, 0:300].sum(0).astype(np.uint8)).save(file)
    page = open_page("?methods=cam+ablation_cam")
    page.wait_for_selector(".layers img[alt^='CAM for']")
    expect(page.get_by_text("computing …")).to_have_count(1)
    upload(page, file, seconds=6)  # then it is in the middle of its 2,049 passes
    begin = time.perf_counter()
    expect(page.get_by_text("300 × 200 px")).to_be_visible()
    page.wait_for_selector(".layers img[alt^='CAM for']")
    tell(f"another image while Ablation-CAM is at work: {time.perf_counter() - begin:.2f} s")
    expect(page.get_by_text("computing …")).to_have_count(1)
