"""Run choice: whose results are shown, in which metric, over which images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from state import choices
from state.parameters import OUTCOMES


def ask_run(names: Sequence[str]) -> str:
    """The run folder whose results are shown, by its name."""
    return choices.ask_one("run", "Run", names, "Whose results the answers are about.")


def chosen_run(names: Sequence[str]) -> str:
    """The run that `ask_run` shows as chosen, for what must be known before it is drawn."""
    choices.keep_valid("run", names)
    return str(st.session_state["run"])


def ask_metric(titles: Mapping[str, str], name: str = "metric") -> str:
    """The metric a page is about; pages that show different ones keep them under own names."""
    return choices.ask_one(name, "Metric", titles)


def ask_labels(categories: Sequence[str]) -> tuple[int, ...]:
    """Indices of the classes that count; none means all."""
    state = st.session_state
    choices.keep_known("labels", categories, "class", "all classes")
    hint = "All classes"
    st.multiselect("Classes", list(categories), key="labels", placeholder=hint, wrap=True)
    return tuple(sorted(list(categories).index(name) for name in state["labels"]))


def ask_levels(levels: Sequence[int]) -> tuple[int, ...]:
    state = st.session_state
    choices.keep_known("levels", levels, "level", "all levels")
    st.pills(
        "Levels",
        list(levels),
        selection_mode="multi",
        key="levels",
        help="How hard an Orchard image is, from 1 (a large fruit in the middle) to 4 (a small "
        "one off the middle among other things). None chosen means all.",
    )
    return tuple(sorted(state["levels"]))


def ask_outcome() -> str:
    st.segmented_control(
        "Predictions",
        list(OUTCOMES),
        format_func=OUTCOMES.__getitem__,
        key="outcome",
        required=True,
        help="All images, or only those that the model names rightly or wrongly.",
    )
    return str(st.session_state["outcome"])


def take_run(name: str) -> None:
    """Show the results of this run from now on."""
    st.session_state["run"] = name


def ask_group(groups: Sequence[str], label: str = "Metrics") -> str:
    """The group of metrics that a table shows."""
    state, key = st.session_state, f"_group.{label}"
    if state.get(key) not in groups:
        state[key] = groups[0]
    st.segmented_control(label, list(groups), key=key, required=True)
    return str(state[key])
