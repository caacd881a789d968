"""Watching: a part of a page is drawn again while the desk works; what is done a moment later."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

QUICK, SLOW, SLOWER = 0.4, 1.5, 2.0
"""Seconds between two looks: for maps that come at once, for those that take long, for scores.

Every look draws its part anew, on the server and in the browser; on a laptop of two cores quick
looks take more than the half of what the network computes with.
"""


STOOD = 3.0
"""Seconds after which a page has been read, not only passed."""


def later(action: Callable[[], None], is_time: Callable[[], bool]) -> None:
    """Do something in the background when the page has stood for a moment and it is time."""
    is_new = True

    def act() -> None:
        nonlocal is_new
        if not is_new and is_time():
            action()
        is_new = False

    st.fragment(act, run_every=STOOD)()


def watch(draw: Callable[[], None], pace: Callable[[], float | None]) -> None:
    """Draw now, and again every `pace()` seconds until that is None.

    The page is drawn anew whenever the pace changes, with what depends on the finished part.
    """
    first = pace()

    def show() -> None:
        draw()
        if pace() != first:
            st.rerun()

    st.fragment(show, run_every=first)()
