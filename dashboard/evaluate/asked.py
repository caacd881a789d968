"""Asked on Evaluate: images, metrics, and names of runs."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from recipes import facts
from state.parameters import (
    SOURCES,
)

from xai_core.evaluation.run_note import MOST_LETTERS


def ask_source() -> str:
    """Where the images of an evaluation come from."""
    st.segmented_control(
        "Images",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        key="source",
        required=True,
    )
    return str(st.session_state["source"])


def ask_limit(found: int) -> int:
    """How many of the images are used; they are dealt evenly over the classes."""
    state = st.session_state
    state["limit"] = max(1, min(int(state["limit"]), found))
    if found > 1:
        st.slider("How many of them", 1, found, key="limit")
    return int(state["limit"])


def ask_nulls() -> bool:
    """Whether the null baselines are evaluated, too, without which no result says anything."""
    st.checkbox("With the null baselines Random and Centre Gaussian", key="nulls")
    return bool(st.session_state["nulls"])


def ask_metrics(known: Mapping[str, facts.Facts]) -> list[str]:
    state = st.session_state
    state["metrics"] = [spec for spec in state["metrics"] if spec.partition("[")[0] in known]
    variants = [spec for spec in state["metrics"] if spec not in known]

    def title(spec: str) -> str:
        arrow = known[spec.partition("[")[0]].arrow
        return f"{facts.label_of(spec, 'metrics')} {arrow}".strip()

    options = [*known, *variants]
    st.multiselect("Metrics", options, format_func=title, key="metrics", wrap=True)
    return list(state["metrics"])


def ask_name(job: str) -> str:
    return str(st.text_input("New name", job, key=job_key(job, "name")))


def ask_note(job: str, note: str) -> str:
    label = "Note, shown with the results and in reports"
    return str(st.text_area(label, note, max_chars=MOST_LETTERS, key=job_key(job, "note")))


def job_problem(job: str) -> str:
    """Why the last thing that was asked of a run could not be done; empty when it could."""
    return str(st.session_state.get(job_key(job, "problem"), ""))


def take_job_problem(job: str, problem: str) -> None:
    """Keep it: the list of runs is drawn again every few seconds."""
    st.session_state[job_key(job, "problem")] = problem


def job_key(job: str, part: str) -> str:
    """The widget key of one part of a run's box."""
    return f"_job.{job}.{part}"
