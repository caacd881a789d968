"""Start cards: what this is and the three things people come for, on the first view."""

from __future__ import annotations

import streamlit as st
from state import start

INTRODUCTION = (
    "CAMpare shows what an image classifier looked at, by many attribution methods, and measures "
    "which of them can be trusted. Below is a finished example; three ways to begin:"
)
CARDS = (
    (
        "compare",
        "Compare an image",
        "You are here. Choose an image or bring yours: every method's heatmap stands side by side.",
    ),
    (
        "leaderboard",
        "Decide between methods",
        "Which method is faithful, and is the difference real? Tests against null baselines.",
    ),
    (
        "run",
        "Evaluate my model",
        "Your images, your model, the methods and metrics you choose; it runs in the background.",
    ),
)


def show_start() -> None:
    """Three cards for somebody who has come without a link, until they are put away."""
    if not start.is_start():
        return
    st.html(f"<p class='note'>{INTRODUCTION}</p>")
    with st.container(key="start", horizontal=True, vertical_alignment="top"):
        for name, title, text in CARDS:
            with st.container(border=True, key=f"start_{name}"):
                st.button(
                    f"**{title}**",
                    key=f"_start.{name}",
                    type="tertiary",
                    on_click=start.begin,
                    args=(name,),
                )
                st.html(f"<p class='note'>{text}</p>")
        st.button(
            "Hide",
            key="_start.hide",
            type="tertiary",
            icon=":material/close:",
            on_click=start.end_start,
            help="Put these three cards away.",
        )
    start.follow_start()
