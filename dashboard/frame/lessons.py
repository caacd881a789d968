"""Lessons: one method or metric explained, and SLIC by hand."""

from __future__ import annotations

import re
from html import escape

import streamlit as st
from recipes.facts import Facts

from frame import worked_example
from frame.display import show_note, show_section


def show_recipe(fact: Facts) -> None:
    """One method or metric: formula, meaning, settings, when it misleads, where it is from."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        arrow = f" {fact.arrow}" if fact.arrow else ""
        st.html(f"<h2 class='section'>{escape(fact.title)}{arrow}</h2>")
        st.latex(fact.formula)
        st.html("".join(f"<p class='prose'>{typeset(p)}</p>" for p in fact.doc.split("\n\n")))
        st.html(f"<p class='prose'><b>When it misleads.</b> {escape(fact.caveat)}</p>")
        show_note(fact.reference)
    with right:
        rows = "".join(
            f"<tr><th scope='row'>{escape(name.replace('_', ' '))}</th><td>{escape(str(s.default))}"
            f"</td><td>{escape(s.help)}; {escape(s.rule().removeprefix('be '))}</td></tr>"
            for name, s in fact.settings.items()
        )
        head = "<tr><th scope='col'>Setting</th><th scope='col'>Default</th><th>Meaning</th></tr>"
        table = f"<table class='settings'>{head}{rows}</table>" if rows else "<p>No settings.</p>"
        st.html(table)


def typeset(text: str) -> str:
    """A docstring as HTML: `names` as code, a_b and a^b with their index below and above."""
    parts = escape(text).split("`")
    for place in range(0, len(parts), 2):
        lowered = re.sub(r"_(?:\{([^}]*)\}|(\(\w+\)|[A-Za-z0-9]+))", _below, parts[place])
        parts[place] = re.sub(r"\^([A-Za-z0-9]+)", r"<sup>\1</sup>", lowered)
    for place in range(1, len(parts), 2):
        parts[place] = f"<code>{parts[place]}</code>"
    return "".join(parts)


def _below(found: re.Match[str]) -> str:
    return f"<sub>{found[1] or found[2]}</sub>"


def show_worked_example() -> None:
    """SLIC by hand: the greys, the distances, and the labels of every round."""
    show_section(
        "SLIC on 25 pixels",
        f"Two centres, spacing S = √(25/2) = {worked_example.SPACING:.2f}, compactness m = "
        f"{worked_example.COMPACTNESS:g}. Every pixel joins the nearer centre.",
    )
    st.latex(r"D = \sqrt{d_{grey}^2 + \left(\frac{d_{place}}{S}\right)^2 m^2}")
    rounds = worked_example.passes()
    grid = st.grid(len(rounds) + 1, min_column_width=200)
    with grid.cell():
        st.html(_greys(None) + "<div class='card'><h3>The image</h3></div>")
    for number, one in enumerate(rounds, start=1):
        with grid.cell():
            places = "; ".join(
                f"{'AB'[k]}: grey {g:.1f} at ({r:.1f}, {c:.1f})"
                for k, (g, r, c) in enumerate(one.centres)
            )
            title = f"<h3>Round {number}</h3><p class='note'>centres {places}</p>"
            st.html(_greys(one.labels) + f"<div class='card'>{title}</div>")
    first = rounds[0].centres
    pixel = (3, 1)
    near = [worked_example.distance(pixel, centre) for centre in first]
    show_note(
        f"Row 3, column 1 (grey {worked_example.GREYS[pixel]:g}), counted from 0: distance to A "
        f"{near[0]:.1f}, to B {near[1]:.1f}, so it joins {'AB'[int(near[1] < near[0])]}. Then each "
        "centre moves to the mean of its pixels and the round begins again, until nothing changes."
    )


def _greys(labels: worked_example.Labels | None) -> str:
    colours = ("#f3c98b", "#a9c8ea")
    rows = []
    for row in range(5):
        cells = []
        for column in range(5):
            grey = worked_example.GREYS[row, column]
            level = int(grey * 2.55)
            ink = "#111" if level > 120 else "#fff"
            paint, name = f"rgb({level},{level},{level})", ""
            if labels is not None:
                paint, ink = colours[labels[row, column]], "#111"
                name = f" <small>{'AB'[labels[row, column]]}</small>"
            cells.append(f"<td style='background:{paint};color:{ink}'>{grey:g}{name}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table class='greys'>{''.join(rows)}</table>"
