"""Asked on Mistakes: a confusion, an image, a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from state import choices

CONFUSION = "_confusion"


def ask_confusion(pairs: Mapping[str, str]) -> str:
    """What the mistakes shown have in common: "true-predicted" class, or nothing."""
    return choices.ask_one("confusion", "Show", pairs)


def take_confusion(rows: Sequence[int]) -> None:
    """Take over the cell that was chosen in the matrix of these classes."""
    state = st.session_state
    points = state[CONFUSION]["selection"]["points"]
    if points:
        row, column = divmod(int(points[0]["point_index"]), len(rows))
        state["confusion"] = f"{rows[row]}-{rows[column]}"
    else:
        state["confusion"] = ""


def ask_mistake(titles: Mapping[str, tuple[str, str]]) -> str:
    """One of some images, id -> (title, data URI); the first one unless another is chosen."""
    choices.keep_valid("mistake", {name: title for name, (title, _) in titles.items()})
    with st.container(key="gallery"):
        st.pills(
            "Images",
            list(titles),
            format_func=lambda name: f"![{_plain(titles[name][0])}]({titles[name][1]})",
            key="mistake",
            required=True,
            label_visibility="collapsed",
        )
    return str(st.session_state["mistake"])


def _plain(title: str) -> str:
    """A title without what Markdown would read: class names are the user's own."""
    return "".join(letter if letter.isalnum() or letter in " ,.()" else " " for letter in title)


def mistake() -> str:
    """The image that is looked at, by its name in the run."""
    return str(st.session_state["mistake"])


def take_mistake(name: str, confusion: str) -> None:
    """Look at one image of a confusion."""
    st.session_state["mistake"], st.session_state["confusion"] = name, confusion


def ask_off_object(known: Mapping[str, str]) -> str:
    """The method whose attention is looked at."""
    return str(
        st.selectbox("Method", list(known), format_func=known.__getitem__, key="_off_object")
    )


def ask_mean_method(known: Mapping[str, str]) -> str:
    """The method whose maps are averaged."""
    return str(
        st.selectbox("Method", list(known), format_func=known.__getitem__, key="_mean_method")
    )


def ask_clusters(methods: Mapping[str, str], names: Sequence[str]) -> tuple[str, int | None]:
    """The method whose heatmaps are grouped, and the predicted class; None: images of all."""
    left, right = st.columns(2)
    with left:
        method = st.selectbox(
            "Method", list(methods), format_func=methods.__getitem__, key="_cluster_method"
        )
    with right:
        label = st.selectbox(
            "Predicted class",
            [-1, *range(len(names))],
            format_func=lambda index: "all" if index < 0 else names[index],
            key="_cluster_class",
        )
    return str(method), None if int(label) < 0 else int(label)


def off_object_key(number: int) -> str:
    """The widget key of one image's button."""
    return f"_off_object.{number}"
