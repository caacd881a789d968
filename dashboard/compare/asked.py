"""Asked on Compare: the opacity in the browser, and two methods to subtract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from frame.exports import Form
from recipes import facts
from state import choices
from state.parameters import (
    read,
)

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


WIDTHS_CM = {"column": 8.5, "page": 17.5, "slide": 30.48}
"""The report's widths, of which only drawing knows more."""


def ask_two_methods(methods: Sequence[str]) -> tuple[str, str]:
    """The two methods whose maps are compared pixel by pixel."""
    left, right = st.columns(2)
    with left:
        first = st.selectbox("Map", list(methods), format_func=facts.label_of, key="_minuend")
    with right:
        others = [method for method in methods if method != first]
        second = st.selectbox("minus", others, format_func=facts.label_of, key="_subtrahend")
    return str(first), str(second)


def ask_form() -> Form:
    """How the comparison is drawn as a figure."""
    width = st.segmented_control(
        "Width",
        list(WIDTHS_CM),
        default="page",
        format_func=lambda name: f"{name.capitalize()} ({WIDTHS_CM[name]} cm)",
        key="_figure_width",
        required=True,
    )
    scores = st.checkbox("Scores below the heatmaps", key="_figure_scores")
    is_transparent = st.checkbox("Without a background", key="_figure_transparent")
    return Form(str(width), scores, is_transparent)


def ask_look(mount: ComponentRenderer) -> None:
    """The opacity as a control of the browser's own, which tells where it was left."""
    state = st.session_state
    state[choices.LED] = True
    data = {"opacity": state["opacity"], "view": state["view"]}
    mount(key="_look", data=data, on_opacity_change=_take_look)


def _take_look() -> None:
    left = st.session_state["_look"].get("opacity")
    if left is not None:
        st.session_state["opacity"] = read("opacity", str(left))[0]
