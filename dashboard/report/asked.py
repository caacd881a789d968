"""Asked on Report: runs and what of them is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st


def ask_reported_runs(names: Sequence[str]) -> list[str]:
    """The runs of a report; the one that other pages show, until another is chosen."""
    first = str(st.session_state.get("run", ""))
    default = [first if first in names else names[0]]
    return list(st.multiselect("Results", names, default, key="_reported_runs", wrap=True))


def ask_reported(part: str, titles: Mapping[str, str]) -> tuple[str, ...]:
    """What of the runs goes into the report; nothing chosen: everything, or a first selection."""
    label, hint = part.capitalize(), "all" if part != "images" else "the first ones"
    chosen = st.multiselect(
        label, list(titles), format_func=titles.__getitem__, key=f"_reported_{part}",
        placeholder=hint, wrap=True,
    )  # fmt: skip
    return tuple(chosen)


def ask_transparent() -> bool:
    """Whether the figures lie on whatever is behind them."""
    return bool(st.checkbox("Figures without a background", key="_reported_transparent"))
