"""Warming up: pages are drawn for nobody when the server begins; who comes finds all loaded."""

from __future__ import annotations

from pathlib import Path

import menu
from streamlit.runtime import get_instance

VIEWS = Path(__file__).parent / "views"
PAGES = tuple(
    name
    for pages in menu.PAGES.values()
    for name, _, _ in pages
    if (VIEWS / f"{name}.py").is_file()
)
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
        import cached  # is loaded now; before, the server would begin later

        cached.desk().start()
    _drawn = PAGES[0]
