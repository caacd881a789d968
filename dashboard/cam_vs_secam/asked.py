"""Asked on CAM or SeCAM: how superpixels are made."""

from __future__ import annotations

import streamlit as st
from state.parameters import (
    COMPACTNESS,
)


def ask_segments() -> None:
    st.slider(
        "Number of superpixels",
        10,
        400,
        step=10,
        key="segments",
        help="Into how many regions of like colour the image is divided, about.",
    )


def ask_compactness() -> None:
    st.select_slider(
        "Compactness",
        COMPACTNESS,
        key="compactness",
        help="Low: superpixels follow colours. High: they are squarer.",
    )
