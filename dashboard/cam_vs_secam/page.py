"""What do superpixels change?"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from drawing import charts
from frame import cards, display, evidence
from frame.watching import watch
from runs import tables
from state import choices, image_choice, look_choice, model_choice, named_models, run_choice

from cam_vs_secam import asked, superpixel_cards
from xai_core.findings import superpixel_wording

display.show_heading(
    "CAM or SeCAM: what do superpixels change?",
    "SeCAM gives every superpixel the mean of CAM. The outlines are the image's, the evidence "
    "is CAM's.",
)
with st.columns([2, 8])[0]:
    run = run_choice.ask_run(list(tables.runs()))
answer, note = superpixel_cards.answer_of(run)
display.show_answer([*answer.sentences, *superpixel_cards.echo_of(answer, run)], "<br>")
if note:
    display.show_note(note)
image_choice.ask_image(*evidence.images(), evidence.prepare)
display.show_problems(image_choice.problems())
with choices.toolbar([1.9, 1.8, 2.6, 1.8, 1.9]) as (
    segments,
    compactness,
    threshold,
    model,
    opacity,
):
    with segments:
        asked.ask_segments()
    with compactness:
        asked.ask_compactness()
    with threshold:
        look_choice.ask_threshold()
    with model:
        model_choice.ask_model(named_models.embedded())
    with opacity:
        look_choice.ask_opacity()

chosen = choices.current()
methods = superpixel_cards.compared(chosen)
chosen = replace(chosen, methods=methods, classes="1", view="overlay")
known = evidence.look(chosen, patience=evidence.PATIENCE)


def show_image() -> None:
    seen = evidence.look(chosen)
    if seen.error:
        display.show_no_model(seen.error)
        return
    cam = next((c for c in seen.cells if c.method == "cam"), None)
    if cam and cam.error:
        display.show_problem(cam.error)
        return
    if cam is None or cam.map is None:
        st.skeleton(height=320)
        return
    st.html(f"<h2 class='rowtitle'>{cards.class_line(seen, cam.target)}</h2>")
    superpixel_cards.show_way(seen, chosen, cam)


def show_more() -> None:
    everything, grid, slic = choices.tabs(
        ["Over all images", "Superpixels × threshold", "How SLIC works"]
    )
    if everything.open and len(answer.table):
        with everything:
            chart = charts.draw_gains(answer.table, list(answer.table["title"]), "SeCAM", "CAM")
            display.show_chart(everything, chart, "Gain of SeCAM over CAM in every metric")
            if answer.controls:
                display.show_note(answer.controls)
            display.show_table(answer.for_people(), "cam_vs_secam", superpixel_wording.CAPTION)
    if grid.open:
        with grid:
            superpixel_cards.show_sweep(evidence.look(chosen), chosen)
    if slic.open:
        with slic:
            superpixel_cards.show_slic(evidence.look(chosen), chosen)


watch(show_image, lambda: evidence.look(chosen).pace)
if known.cells and known.cells[0].map is not None:
    st.fragment(show_more)()
