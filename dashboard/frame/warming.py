"""Warming up: pages are drawn for nobody when the server begins; who comes finds all loaded."""

from __future__ import annotations

from menu import FILES
from streamlit.runtime import get_instance

PAGES = tuple(FILES)
_drawn = PAGES[0]


def first_page(*, is_visited: bool) -> str:
    """The page that an address without a page's name leads to; for people always the same."""
    return PAGES[0] if is_visited else _drawn


async def warm_up() -> None:
    """Draw every page once; the workers load after the first."""
    global _drawn
    for name in PAGES:
        _drawn = name
        await get_instance().does_script_run_without_error()
        from runs import cached  # is loaded now; before, the server would begin later

        cached.desk().start()
    _drawn = PAGES[0]
