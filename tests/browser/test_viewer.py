"""Opacity, before and after, and enlarging happen in the browser: nothing is sent."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser]
Open = Callable[..., Page]
Wait = Callable[[Page], None]
MAPS = "button.layers.mapped"


def test_moving_sends_nothing_and_moves_all_maps(open_page: Open, settled: Wait) -> None:
    page = open_page("")
    settled(page)
    page.evaluate(
        """() => { const send = WebSocket.prototype.send; window.sent = 0;
        WebSocket.prototype.send = function (...all) { window.sent += 1; send.apply(this, all); };
        const fetched = window.fetch; window.fetch = (...all) => { window.sent += 1;
        return fetched(...all); }; }"""
    )
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    shares = f"() => [...document.querySelectorAll('{MAPS} .full')].map(i => getComputedStyle(i).opacity)"  # noqa: E501
    opacity = page.get_by_role("slider", name="Opacity of the map")
    opacity.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(opacity).to_have_attribute("aria-valuetext", "0.50")
    assert page.evaluate(shares) == ["0.25"] * 5
    figure = page.locator(MAPS).nth(1).bounding_box()
    assert figure is not None
    x, y = figure["x"], figure["y"] + 60
    page.mouse.move(x + 0.9 * figure["width"], y)
    page.mouse.down()
    for step in range(9):
        page.mouse.move(x + (0.9 - 0.05 * step) * figure["width"], y)
    page.mouse.up()
    split = page.get_by_role("slider", name="Share of each image that shows the map")
    expect(split).to_have_attribute("aria-valuetext", "50 %")
    page.wait_for_timeout(1000)
    # taking hold of an image left the control of the opacity: that is told, once
    assert page.evaluate("sent") <= 1
    assert requests == []
    expect(page).to_have_url(re.compile(r"opacity=0\.5"))


def test_an_image_is_enlarged_and_the_keyboard_goes_on(open_page: Open, settled: Wait) -> None:
    page = open_page("")
    settled(page)
    page.locator(MAPS).first.focus()
    page.keyboard.press("Enter")
    box = page.locator("dialog.enlarged")
    expect(box).to_have_attribute("aria-label", "CAM for apple")
    page.keyboard.press("ArrowRight")
    expect(box).to_have_attribute("aria-label", "SeCAM for apple")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(page.locator(MAPS).first).to_be_focused()


def test_an_image_whose_file_is_gone_for_a_moment_is_asked_for_again(
    open_page: Open, settled: Wait
) -> None:
    """While a page is drawn anew the server may drop its files; what met 404 comes back."""
    page = open_page("")
    settled(page)
    refused: set[str] = set()

    def once(route: Route) -> None:
        if route.request.url in refused:
            route.continue_()
        else:
            refused.add(route.request.url)
            route.fulfill(status=404)

    page.route("**/media/**", once)
    page.reload()
    settled(page)
    page.wait_for_function(
        "() => [...document.querySelectorAll('button.layers img')].every(i => i.naturalWidth > 0)"
    )
    assert len(refused) > 5
    expect(page.locator(f"{MAPS} .full").first).to_be_visible()
