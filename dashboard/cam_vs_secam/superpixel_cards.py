"""Superpixel cards: the way from CAM to SeCAM on one image, a sweep of settings, and SLIC."""

from __future__ import annotations

import streamlit as st
from frame import cards, exports, lessons
from frame.display import offer_figures, show_legend, show_note, show_section, show_steps
from frame.evidence import Cell, Evidence
from frame.exports import LONGEST_PX
from recipes import facts
from runs import drawn_images, standings, steps_to_secam, tables, truths
from runs.steps_to_secam import Look, Step
from state.choices import Choices

from xai_core.evaluation.contrast import CONTROLS
from xai_core.findings import echo
from xai_core.findings.phrases import not_yours
from xai_core.findings.superpixel_wording import Answer
from xai_core.images.reading import InputFormat
from xai_core.titles import percent

STEPS_SCALE = "In these steps full colour is CAM's 99.5th percentile; below, each map's own"
COUNTS, SHARES = (20, 50, 100, 200), (0.5, 0.6, 0.7, 0.8, 0.9)


def compared(chosen: Choices) -> tuple[str, ...]:
    """CAM, SeCAM as it is set, SeCAM on the model's grid, and the controls, all alike."""
    values = {"segments": chosen.segments, "compactness": chosen.compactness}
    secam = facts.spec_of("secam", values)
    legacy = facts.spec_of("secam", {**values, "resolution": "feature"})
    controls = [facts.spec_of(c, values) for c in CONTROLS if c in facts.facts("methods")]
    return ("cam", secam, legacy, *controls)


def answer_of(run: str) -> tuple[Answer, str]:
    """CAM or SeCAM from a run, else from the shipped one; and a note that says which."""
    runs = tables.runs()
    shown = runs.get(run, tables.SHIPPED)
    own = truths.superpixel_answer(shown)
    if len(own.table) or shown == tables.SHIPPED:
        return own, ""
    manifest = tables.manifest(tables.SHIPPED, tables.run_stamp(tables.SHIPPED))
    why = "Yours does not hold both CAM and SeCAM."
    return truths.superpixel_answer(), not_yours(manifest, len(manifest["images"]), run, why)


def echo_of(answer: Answer, run: str) -> list[str]:
    """What the shipped run on other images says of CAM and SeCAM, and where both agree."""
    other = standings.counterpart(tables.runs().get(run, tables.SHIPPED))
    if other is None:
        return []
    return echo.superpixels_say(answer, truths.superpixel_answer(other[0]))


def look_of(seen: Evidence, chosen: Choices) -> Look:
    """How the photo of some evidence is shown."""
    form = InputFormat(**dict(seen.form))
    drawn = drawn_images.fitted_photo(seen.photo, seen.photo.sha256, LONGEST_PX)
    framed = drawn_images.framed_photo(seen.photo, seen.photo.sha256, seen.form, chosen.framing)
    return Look(drawn, framed, form, chosen.framing, chosen.opacity, chosen.threshold)


def show_way(seen: Evidence, chosen: Choices, cam: Cell) -> None:
    """From CAM to what SeCAM keeps, and how all variants score on this image."""
    if cam.map is None:
        return
    look = look_of(seen, chosen)
    key = (seen.photo.sha256, seen.model, cam.target, look.framing, look.opacity, look.threshold)
    show_steps(drawn_images.secam_steps(look, cam.map, key, chosen.segments, chosen.compactness), 6)
    show_legend("overlay", chosen.threshold, STEPS_SCALE)
    show_section(
        "What it scores on this image",
        "Beside SeCAM: averaging on the model's grid (legacy), and controls that average without "
        "this image's superpixels.",
    )
    cards.show_row(seen, chosen, cam.target)
    cards.show_reading(seen)


def show_sweep(seen: Evidence, chosen: Choices) -> None:
    """What SeCAM keeps for many settings: rows are superpixels, columns thresholds."""
    cam = seen.cells[0]
    if cam.map is None:
        return
    look = look_of(seen, chosen)
    rows = steps_to_secam.sweep(look, cam.map, COUNTS, SHARES, chosen.compactness)
    steps = [
        Step(f"{count} superpixels", f"{percent(share)} of the maximum", image)
        for count, row in zip(COUNTS, rows, strict=True)
        for share, image in zip(SHARES, row, strict=True)
    ]
    show_steps(steps, len(SHARES))
    with st.container(horizontal=True):
        offer_figures(exports.sweep_figure, "secam_sweep", rows, COUNTS, SHARES)
    show_note(f"Compactness {chosen.compactness:g}; pale is what stays below the threshold.")


def show_slic(seen: Evidence, chosen: Choices) -> None:
    """SLIC on this image, then by hand on 25 pixels."""
    look = look_of(seen, chosen)
    show_steps(steps_to_secam.slic_steps(look, chosen.segments, chosen.compactness), 4)
    show_note(
        "Distance = colour distance in CIELAB plus place distance times compactness over the side "
        "of a seed square (Achanta et al., TPAMI 2012)."
    )
    lessons.show_worked_example()
