"""What was chosen stays chosen: in boxes that are opened later, and on the next page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from xai_core.models.loading import load_classifier
from xai_core.models.sources import describing

pytestmark = [pytest.mark.browser]
Open = Callable[..., Page]
Wait = Callable[[Page], None]
Go = Callable[[Page, str, str], None]


def test_options_opened_later_show_what_counts(open_page: Open, settled: Wait) -> None:
    page = open_page("?methods=cam")
    settled(page)
    page.locator(".st-key-gallery [role=radio]").nth(1).click()
    settled(page)
    shown = page.inner_text("[data-testid=stMain]")
    page.get_by_role("button", name="Options").click()
    for name in ("Over the photo", "Whole photo"):
        expect(page.get_by_role("radio", name=name)).to_have_attribute("aria-checked", "true")
    slider = page.get_by_role("slider", name="Threshold (fraction of the maximum)")
    expect(slider).to_have_attribute("aria-valuetext", "0.80")
    page.keyboard.press("Escape")
    settled(page)
    expect(page.get_by_test_id("stMain")).to_have_js_property("innerText", shown)
    assert "framing" not in page.url


@pytest.mark.slow
def test_options_closed_at_once_stay_closed(open_page: Open, settled: Wait) -> None:
    """However soon after opening; the server, which answers later, has no say in it."""
    page = open_page("?methods=cam")
    settled(page)
    options = page.get_by_role("button", name="Options")
    for milliseconds in (20, 40, 60, 80) * 4:
        options.click()
        page.wait_for_timeout(milliseconds)
        page.keyboard.press("Escape")
        settled(page)
        assert options.get_attribute("aria-expanded") == "false", milliseconds


@pytest.mark.slow
def test_target_layers_are_the_models(open_first: Open, settled: Wait) -> None:
    """Also where nothing has loaded the model before."""
    page = open_first("?methods=cam")
    settled(page)
    page.get_by_role("button", name="Options").click()
    method = page.get_by_role("combobox", name="Add a method with other settings")
    method.fill("LayerCAM")  # typed: a long list moves under the pointer while it opens
    expect(page.get_by_role("option")).to_have_text(["LayerCAM"])
    method.press("ArrowDown")
    method.press("Enter")
    layer = page.get_by_role("combobox", name="Target layer")
    expect(layer).to_be_visible()
    settled(page)
    expect(page.get_by_text("Loading the model …")).to_have_count(0)
    layer.click()
    stages = describing.of(load_classifier("orchard")).stages
    expect(page.get_by_role("option")).to_have_text(["the last one", *stages])


def test_controls_of_image_pages_stay(open_page: Open, settled: Wait, go: Go) -> None:
    page = open_page("")
    settled(page)
    go(page, "Images", "CAM or SeCAM")
    settled(page)
    for name, value in (
        ("Opacity of the map", "0.70"),
        ("Threshold (fraction of the maximum)", "0.80"),
    ):
        slider = page.get_by_role("slider", name=name)
        expect(slider).to_have_attribute("aria-valuetext", value)
    page.get_by_role("slider", name="Opacity of the map").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => location.search.includes('opacity=0.65')")
    settled(page)
    go(page, "Images", "Compare")
    settled(page)
    slider = page.get_by_role("slider", name="Opacity of the map")
    expect(slider).to_have_attribute("aria-valuetext", "0.65")


def test_filters_of_result_pages_stay(open_page: Open, settled: Wait, go: Go) -> None:
    page = open_page("leaderboard?run=photos&outcome=wrong")
    settled(page)
    for title in ("Curves", "Agreement", "Leaderboard"):
        go(page, "Results", title)
        settled(page)
        expect(page.get_by_role("radio", name="Wrong")).to_have_attribute("aria-checked", "true")
        assert "run=photos" in page.url
        assert "outcome=wrong" in page.url
