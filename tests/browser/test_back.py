"""Browser Back: one step for one action, over pages, to what was shown there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from xai_core import DATA

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (DATA / "runs" / "photos" / "manifest.json").is_file(),
        reason="data/runs/photos is not here: data/README.md says how it is made",
    ),
]
Open = Callable[..., Page]
Wait = Callable[[Page], None]
Go = Callable[[Page, str, str], None]


def states(page: Page) -> list[str]:
    """The choices on the page that can be read off it."""
    pressed = page.locator("[data-testid=stMain] [role=radio][aria-checked=true]").all()
    sliders = page.locator("[data-testid=stMain] [role=slider]").all()
    chosen = page.locator("[data-testid=stMain] [data-baseweb=tag]").all()
    return [
        page.inner_text("h1.title"),
        *(one.get_attribute("aria-label") or one.inner_html() for one in pressed),
        *(one.get_attribute("aria-valuetext") or "" for one in sliders),
        *(one.inner_text() for one in chosen),
    ]


def test_every_action_is_one_step_back(open_page: Open, settled: Wait, go: Go) -> None:
    page = open_page("?methods=cam")

    def choose_a_picture() -> None:
        page.locator(".st-key-gallery [role=radio]").nth(1).click()

    def choose_fewer() -> None:
        page.get_by_role("radio", name="Wrong").click()

    def show_results() -> None:
        box = page.locator("[class*='st-key-_job-photos-box']")
        box.get_by_role("button", name="Show results").click()
        expect(page.locator("h1.title")).to_contain_text("Which method is best")

    actions: list[Callable[[], None]] = [
        choose_a_picture,
        lambda: go(page, "Results", "Curves"),
        choose_fewer,
        lambda: go(page, "Work", "Evaluate"),
        show_results,
        lambda: go(page, "Images", "CAM or SeCAM"),
    ]
    seen = []
    for act in actions:
        settled(page)
        seen.append((page.url, states(page), page.evaluate("history.length")))
        act()
        page.wait_for_function("before => location.href !== before", arg=seen[-1][0])
    settled(page)
    lengths = [length for _, _, length in seen] + [page.evaluate("history.length")]
    assert lengths == list(range(lengths[0], lengths[0] + len(lengths)))
    for url, shown, _ in reversed(seen):
        page.go_back()
        page.wait_for_url(url)
        settled(page)
        assert states(page) == shown
    for url, shown, _ in seen[1:]:
        page.go_forward()
        page.wait_for_url(url)
        settled(page)
        assert states(page) == shown


def test_back_returns_to_an_upload(
    open_page: Open, settled: Wait, go: Go, upload: Callable[..., None]
) -> None:
    page = open_page("?methods=cam")
    upload(page, DATA / "orchard" / "images" / "kiwi-1-1.jpg")
    page.wait_for_url("**image=upload-*")
    page.keyboard.press("Escape")
    settled(page)
    before = page.url
    shown = states(page), page.locator(".rowtitle, .card h3").all_inner_texts()
    go(page, "Results", "Leaderboard")
    settled(page)
    page.go_back()
    page.wait_for_url(before)
    settled(page)
    assert (states(page), page.locator(".rowtitle, .card h3").all_inner_texts()) == shown
