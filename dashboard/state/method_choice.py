"""Method choice: methods and metrics, and their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from recipes import facts

from state import choices

_FIRST = "_first_shown"
VARIANT_OF: dict[facts.Kind, str] = {"methods": "method", "metrics": "metric"}


def ask_methods(label: str = "Methods") -> None:
    known = facts.facts("methods")
    chosen = st.session_state["methods"]
    options = [*facts.by_family(), *(spec for spec in chosen if spec not in known)]
    st.multiselect(
        label,
        options,
        format_func=facts.label_of,
        key="methods",
        placeholder="Choose methods",
        help="Type to search; the list goes by family, from CAM to the null baselines. Another "
        "target layer, more samples and other settings: under Options.",
        filter_mode="contains",
        wrap=True,
        select_all=False,
    )


def ask_shown(titles: Mapping[str, str], preferred: Sequence[str]) -> list[str]:
    """Which of a run's methods a chart shows."""
    state = st.session_state
    first = [m for m in preferred if m in titles] or list(titles)[:5]
    chosen = state["shown"] != state.get(_FIRST)  # what nobody chose does not stay for another run
    choices.keep_known("shown", titles, "method", ", ".join(titles[m] for m in first))
    state["shown"] = [m for m in state["shown"] if chosen] or first
    state[_FIRST] = first
    st.multiselect("Methods", list(titles), format_func=titles.__getitem__, key="shown", wrap=True)
    return list(state["shown"])


def setting_key(recipe: str, field: str) -> str:
    """The widget key of one setting in a form."""
    return f"_set.{recipe}.{field}"


def ask_variant(kind: facts.Kind = "methods") -> str:
    """The method or metric whose settings are to be changed."""
    names = [name for name, fact in facts.facts(kind).items() if fact.settings]
    return str(
        st.selectbox(
            f"Add a {VARIANT_OF[kind]} with other settings",
            names,
            format_func=lambda name: facts.label_of(name, kind),
            key=f"_variant.{kind}",
            index=names.index("secam") if "secam" in names else 0,
        )
    )


def add_variant(kind: facts.Kind, spec: str) -> None:
    """Put a method or metric with settings of its own beside the chosen ones."""
    if spec not in st.session_state[kind]:
        st.session_state[kind] = [*st.session_state[kind], spec]
