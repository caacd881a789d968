"""Asked on the pages of results: groups of metrics, another run, a cell."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

BOARD = "_board"


def ask_other_run(names: Mapping[str, str]) -> str:
    """The run that is held against the one on the page."""
    return str(st.selectbox("Against", list(names), key="_other_run"))


def example_key(number: int) -> str:
    """The widget key of one example's button."""
    return f"_example.{number}"
