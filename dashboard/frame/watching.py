"""Watching: a part of a page is drawn again while the desk works."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from runs import cached
from state import choices

QUICK, SLOW, SLOWER = 0.4, 1.5, 2.0
"""Seconds between two looks: for maps that come at once, for those that take long, for scores.

Every look draws its part anew, on the server and in the browser; on a laptop of two cores quick
looks take more than the half of what the model computes with.
"""


def watch(
    draw: Callable[[], None],
    pace: Callable[[], float | None],
    stage: Callable[[], object] = lambda: None,
) -> None:
    """Draw now, and again every `pace()` seconds until that is None.

    The page is drawn again whenever pace or stage change, with what depends on this part.
    Where what computes had to begin again, a sentence says so until all is there.
    """
    first = pace(), stage()

    def show() -> None:
        notice = cached.desk().notice(choices.session())
        if notice:
            st.html(f"<div class='hint' role='status'>{notice}</div>")
        draw()
        if (pace(), stage()) != first:
            st.rerun()

    st.fragment(show, run_every=first[0])()
