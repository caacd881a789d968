"""Asked on Features: how many channels, and whether they are synthesised."""

from __future__ import annotations

import streamlit as st


def ask_channels() -> None:
    st.slider("Channels", 1, 12, key="channels")


def channels() -> int:
    """How many channels the page shows."""
    return int(st.session_state["channels"])


def ask_synthesis() -> None:
    st.toggle(
        "Also synthesise what each channel likes",
        key="synthesis",
        help="An optimised image takes some seconds each; they appear one by one.",
    )


def wants_synthesis() -> bool:
    return bool(st.session_state["synthesis"])
