"""Look choice: classes, opacity, view and what the model sees."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from state import choices
from state.parameters import (
    CLASSES,
    FRAMINGS,
    VIEWS,
)


def ask_classes() -> None:
    st.selectbox(
        "Classes",
        list(CLASSES),
        format_func=CLASSES.__getitem__,
        key="classes",
        help="Which classes are explained: one row of heatmaps each, the most probable first.",
    )


def ask_named(categories: Sequence[str]) -> None:
    state = st.session_state
    missing = [name for name in state["named"] if name not in categories]
    state["named"] = [name for name in state["named"] if name in categories]
    if missing and "named" in state.get(choices.ADDRESS, ()):
        instead = ", ".join(state["named"]) or "the most probable class"
        choices.say_missing(f"class {', '.join(missing)}", instead)
    hint = "Choose classes"
    st.multiselect("Class names", list(categories), key="named", placeholder=hint, wrap=True)


def ask_opacity() -> None:
    st.slider(
        "Opacity of the map",
        0.0,
        1.0,
        step=0.05,
        key="opacity",
        help="0: the image alone. 1: the map alone.",
    )


def ask_view() -> None:
    choices.tell("view")
    st.segmented_control(
        "Show",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key="view",
        required=True,
        help="The map over the image, the map alone, or only the part of the image that it keeps.",
    )


def ask_threshold(*, boxed: bool = False) -> None:
    if boxed:
        choices.tell("threshold")
    st.slider(
        "Threshold (fraction of the maximum)",
        0.05,
        1.0,
        step=0.05,
        key="threshold",
        help='With "Only what it keeps": pixels below this fraction are left out.',
    )


def ask_framing() -> None:
    choices.tell("framing")
    st.segmented_control(
        "The model sees",
        list(FRAMINGS),
        format_func=FRAMINGS.__getitem__,
        key="framing",
        required=True,
        help="The whole photo resized to a square, or the central part as the weights were "
        "evaluated.",
    )
