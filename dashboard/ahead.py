"""Ahead: pages are drawn for nobody when the server begins; who comes then finds all loaded."""

from __future__ import annotations

import asyncio

import giving_way
from streamlit.runtime import get_instance

PAGES = (
    "compare",
    "cam_vs_secam",
    "leaderboard",
    "curves",
    "ground_truth",
    "sanity",
    "run",
    "guide",
    "features",
    "agreement",
)
"""What can be opened without torch, in the order in which it is wanted."""
PAUSE = 0.1
"""Seconds between two looks whether anybody waits."""
has_ended = False
_drawn = PAGES[0]


def first_page(*, is_visited: bool) -> str:
    """The page that an address without a page's name leads to.

    For people it is always the same; a visit by nobody can only be sent to this one.
    """
    return PAGES[0] if is_visited else _drawn


async def draw_pages() -> None:
    """Draw one page after another, the others whenever nobody waits for a page or a map."""
    global _drawn, has_ended
    await get_instance().does_script_run_without_error()
    import cached  # is loaded now; before, the server would begin later

    for name in PAGES[1:]:
        while giving_way.is_busy() or cached.desk().is_wanted:
            await asyncio.sleep(PAUSE)
        _drawn = name
        await get_instance().does_script_run_without_error()
    _drawn, has_ended = PAGES[0], True
