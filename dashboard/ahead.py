"""Ahead: pages are drawn for nobody when the server begins; who comes then finds all loaded."""

from __future__ import annotations

import asyncio

import giving_way
from streamlit.runtime import get_instance

PAGES = (
    "compare",
    "leaderboard",
    "cam_vs_secam",
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
    """The page that an address without a page's name leads to: for people always the same."""
    return PAGES[0] if is_visited else _drawn


async def draw_pages() -> None:
    """Draw one page after another, whenever nobody waits for one."""
    global _drawn, has_ended
    for name in PAGES:
        while giving_way.is_busy():
            await asyncio.sleep(PAUSE)
        _drawn = name
        await get_instance().does_script_run_without_error()
    _drawn, has_ended = PAGES[0], True
