"""Second model: the same methods on the same image, and where the two models' maps differ."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from frame import cards, display, evidence, layers
from frame.evidence import Cell, Evidence
from recipes import facts
from state import named_models
from state.choices import Choices

from compare.difference import CLEAR, difference
from xai_core.images.reading import Floats, InputFormat, framed_region, map_on_photo
from xai_core.titles import percent

OTHER_CROP = (
    "The two models see different parts of the image, so no difference of their heatmaps is "
    "drawn: choose the whole photo under Options."
)
SCALE = (
    "Differences: both heatmaps divided by their own 99.5th percentile, the second model's minus "
    "the first's; red where the second is higher, blue where the first is; full colour is 1."
)


def is_asked(chosen: Choices) -> bool:
    """Whether there is a second model, and another one than the first."""
    return chosen.beside not in ("", chosen.model)


def look(first: Evidence, chosen: Choices, patience: float = 0.0) -> Evidence:
    """What the second model makes of the image, for the classes that the first is asked about."""
    names = tuple(first.categories[target] for target in first.targets)
    asked = replace(chosen, model=chosen.beside, classes="named", named=names)
    return evidence.look(asked, patience=patience, part="beside")


def names_of(chosen: Choices) -> tuple[str, str]:
    """Both models for people."""
    return named_models.label_of(chosen.model), named_models.label_of(chosen.beside)


def show_beside(first: Evidence, chosen: Choices, target: int) -> None:
    """Under the first model's row for a class: the second model's, and the difference."""
    second = look(first, chosen)
    if second.error:
        display.show_problem(f"{names_of(chosen)[1]}: {second.error}")
        return
    if not second.targets:
        st.html(f"<h2 class='rowtitle'>{escape(names_of(chosen)[1])}: computing …</h2>")
        return
    name = first.categories[target]
    if name not in second.categories:
        _show_unknown(second, chosen, name)
        return
    _show_row(second, chosen, second.categories.index(name))
    _show_differences(first, second, chosen, target)


def _show_row(second: Evidence, chosen: Choices, target: int) -> None:
    line = cards.class_line(second, target)
    st.html(f"<h2 class='rowtitle'>{escape(names_of(chosen)[1])}: {line}</h2>")
    cards.show_row(second, replace(chosen, model=chosen.beside), target, layered=True)


def _show_unknown(second: Evidence, chosen: Choices, name: str) -> None:
    label = names_of(chosen)[1]
    display.show_note(f"{label} does not know the class {name}; its own top class is explained.")
    _show_row(second, chosen, second.targets[0])


def _show_differences(first: Evidence, second: Evidence, chosen: Choices, target: int) -> None:
    there = second.categories.index(first.categories[target])
    pairs = [(first.cell(m, target), second.cell(m, there)) for m in chosen.methods]
    if all(one.map is None or other.map is None for one, other in pairs):
        return
    if not sees_the_same(first, second, chosen):
        display.show_note(OTHER_CROP)
        return
    names = names_of(chosen)
    st.html(f"<h2 class='rowtitle'>{escape(names[1])} minus {escape(names[0])}</h2>")
    rows = -(-(len(pairs) + 1) // cards.MOST_COLUMNS)
    grid = st.grid(-(-(len(pairs) + 1) // rows), min_column_width=126)
    with grid.cell():
        layers.show_plain(first)
    for one, other in pairs:
        with grid.cell():
            _show_difference(first, second, (one, other), chosen)
    display.show_note(SCALE)


def _show_difference(
    first: Evidence, second: Evidence, pair: tuple[Cell, Cell], chosen: Choices
) -> None:
    one, other = pair
    names, title = names_of(chosen), facts.label_of(one.method)
    said = "not available"
    cell = Cell(one.method, one.target, error=said)
    if one.map is not None and other.map is not None:
        values = difference(on_input(other.map, second, one.map), one.map)
        cell = Cell(f"{one.method} of {chosen.beside} - {chosen.model}", one.target, values)
        said = clear_says(values, *names)
    label = f"{title}: {names[1]} minus {names[0]}"
    layers.show_layers(first, cell, chosen, label=label, limit=1.0)
    text = f"<h3>{escape(title)}</h3><p class='note'>{escape(said)}</p>"
    st.html(f"<div class='card'>{text}</div>")


def clear_says(values: Floats, first: str, second: str) -> str:
    """Where the maps clearly differ, by more than CLEAR of the scale; in shares of the image."""
    more, less = float((values > CLEAR).mean()), float((values < -CLEAR).mean())
    return f"{second} higher on {percent(more)}, {first} on {percent(less)}"


def on_input(values: Floats, seen: Evidence, like: Floats) -> Floats:
    """A map at the resolution of another model's input, for the same part of the image."""
    form = InputFormat(**dict(seen.form))
    if values.shape == like.shape:
        return values
    return np.asarray(map_on_photo(values, like.shape[0], like.shape[1], form, "whole"))


def sees_the_same(first: Evidence, second: Evidence, chosen: Choices) -> bool:
    """Whether both models are given the same part of the image."""
    height, width = first.photo.rgb.shape[:2]
    regions = [
        framed_region(height, width, InputFormat(**dict(seen.form)), chosen.framing)
        for seen in (first, second)
    ]
    return regions[0] == regions[1]
