"""Asked on Ground truth: run, benchmark, scene and part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from state import choices


def ask_truth(names: Sequence[str]) -> str:
    """The ground-truth run that is shown, by its name."""
    return choices.ask_one("truth", "Run", names, "Runs of benchmarks with a known answer.")


def ask_benchmark(titles: Mapping[str, str]) -> str:
    return choices.ask_one("benchmark", "Benchmark", titles)


def ask_scene(titles: Mapping[str, str]) -> str:
    """The scene whose parts are shown, by its name."""
    return choices.ask_one("scene", "Scene", titles)


def has_scene() -> bool:
    """Whether a scene was chosen, here or in the address."""
    return bool(st.session_state["scene"])


def ask_part(titles: Mapping[str, str]) -> str:
    """What is left out of the scene, by its name."""
    return choices.ask_one("part", "Draw it without", titles)


def ask_checked(titles: Mapping[str, str]) -> str:
    """The metric whose loss of score is shown."""
    return choices.ask_one("checked", "Metric", titles)
