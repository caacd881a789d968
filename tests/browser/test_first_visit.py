"""Somebody who has just started the server goes through the menu while all is still loading."""

import time
from collections.abc import Callable

import pytest
from menu import MENU
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOOKED_MS = 3000
"""After so long torch begins to load."""


@pytest.mark.parametrize("section", MENU)
def test_menu_answers_at_once(
    section: str,
    open_first: Callable[..., Page],
    go: Callable[[Page, str, str], None],
    tell: Callable[[str], None],
) -> None:
    page = open_first("")
    page.get_by_test_id("stTopNav").get_by_role("button", name=section, exact=True).click()
    links = page.get_by_test_id("stTopNavDropdownLink")
    links.first.wait_for()
    titles = [text.splitlines()[-1] for text in links.all_inner_texts()]
    page.keyboard.press("Escape")
    assert len(titles) > 1
    for title in titles[1:] if section == next(iter(MENU)) else titles:
        page.wait_for_timeout(LOOKED_MS)
        begin = time.perf_counter()
        go(page, section, title)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        tell(f"{title}, opened first after the start: {time.perf_counter() - begin:.2f} s")
        assert page.locator(".problem").count() == 0
