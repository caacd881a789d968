"""Start: whoever comes without a link is shown where to begin."""

from __future__ import annotations

import streamlit as st
from menu import FILES

_START = "_start"
_GO = "_go"


def is_start() -> bool:
    """Whether somebody has come without a link and has not put the start cards away."""
    return bool(st.session_state.get(_START))


def end_start() -> None:
    st.session_state[_START] = False


def begin(name: str) -> None:
    """What a start card is for: another page, or on this one an image of one's own."""
    state = st.session_state
    if name == "compare":
        state["_yours"] = True
    else:
        state[_GO] = name


def follow_start() -> None:
    """Go where a start card leads; a callback cannot."""
    name = st.session_state.pop(_GO, "")
    if name:
        st.switch_page(FILES[name], query_params={})
