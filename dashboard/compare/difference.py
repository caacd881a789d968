"""Difference: where one method's map is stronger than another's, both on one scale."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st
from frame import display, layers
from frame.evidence import Cell, Evidence
from recipes import facts
from state.choices import Choices

from compare import asked
from xai_core.images.heatmap import scaled
from xai_core.images.reading import Floats
from xai_core.titles import percent

CLEAR = 0.2
"""A difference of a fifth of the scale is seen as a colour."""


def difference(first: Floats, second: Floats) -> Floats:
    """Both maps (H, W) as they are drawn, -1 .. 1, one minus the other: -2 .. 2."""
    return np.asarray(scaled(first) - scaled(second), dtype=np.float32)


def says(values: Floats, first: str, second: str) -> str:
    """One sentence: how much of the image each of two methods rates clearly higher."""
    more, less = float((values > CLEAR).mean()), float((values < -CLEAR).mean())
    return (
        f"{first} is clearly higher on {percent(more)} of the image (red), {second} on "
        f"{percent(less)} (blue); clearly: by more than {CLEAR} of the scale, on which each map "
        "goes up to 1."
    )


def show_difference(seen: Evidence, chosen: Choices) -> None:
    """Two methods that a person chooses, and their difference, for each class."""
    mapped = [m for m in chosen.methods if seen.cell(m, seen.targets[0]).map is not None]
    if len(mapped) < 2:
        display.show_note("A difference needs two maps: they follow.")
        return
    first, second = asked.ask_two_methods(mapped)
    for target in seen.targets:
        pair = seen.cell(first, target), seen.cell(second, target)
        if pair[0].map is None or pair[1].map is None:
            continue
        values = difference(pair[0].map, pair[1].map)
        title = f"{facts.label_of(first)} minus {facts.label_of(second)}"
        grid = st.grid(3, min_column_width=126)
        shown: list[tuple[Cell, str, float | None]]
        shown = [(cell, facts.label_of(cell.method), None) for cell in pair]
        shown.append((Cell(f"{first} - {second}", target, values), title, 1.0))
        for cell, name, limit in shown:
            with grid.cell():
                label = f"{name} for {seen.categories[target]}"
                layers.show_layers(seen, cell, chosen, label=label, limit=limit)
                st.html(f"<div class='card'><h3>{escape(name)}</h3></div>")
        names = facts.label_of(first), facts.label_of(second)
        display.show_note(f"{seen.categories[target]}: {says(values, *names)}")
