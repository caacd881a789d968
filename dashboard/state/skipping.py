"""Skipping: maps that somebody does not want to wait for."""

from __future__ import annotations

import streamlit as st

_SKIPPED = "_skipped"


def is_skipped(sha256: str, model: str, method: str) -> bool:
    """Whether somebody does not want to wait for a method on this image."""
    return (sha256, model, method) in st.session_state.get(_SKIPPED, ())


def offer_skip(sha256: str, model: str, method: str, target: int) -> None:
    """A button under a map that takes long."""
    about = sha256, model, method
    key = f"_skip.{method}.{target}"
    st.button("Skip", key=key, type="tertiary", on_click=_skip, args=about, help="Do not wait")


def offer_unskip(sha256: str, model: str, method: str, target: int) -> None:
    """A button under a map that was skipped."""
    about = sha256, model, method
    key = f"_unskip.{method}.{target}"
    st.button("Compute it", key=key, type="tertiary", on_click=_unskip, args=about)


def _skip(*about: str) -> None:
    st.session_state[_SKIPPED] = {*st.session_state.get(_SKIPPED, ()), about}


def _unskip(*about: str) -> None:
    st.session_state[_SKIPPED] = st.session_state.get(_SKIPPED, set()) - {about}
