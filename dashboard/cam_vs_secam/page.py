"""What do superpixels change?"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from drawing import charts
from frame import cards, display, evidence
from frame.watching import watch
from runs import cached, superpixel_wording
from state import choices, networks

from cam_vs_secam import superpixel_cards

display.show_heading(
    "CAM or SeCAM: what do superpixels change?",
    "SeCAM gives every superpixel the mean of CAM. The outlines are the image's, the evidence "
    "is CAM's.",
)
answer = cached.superpixel_answer()
display.show_answer(answer.sentences, "<br>")
choices.ask_picture(*evidence.pictures(), evidence.prepare)
if choices.problem():
    display.show_problem(choices.problem())
with choices.toolbar([2, 2, 2, 2, 2]) as (segments, compactness, threshold, network, opacity):
    with segments:
        choices.ask_segments()
    with compactness:
        choices.ask_compactness()
    with threshold:
        choices.ask_threshold()
    with network:
        choices.ask_network(networks.embedded())
    with opacity:
        choices.ask_opacity()

chosen = choices.current()
methods = superpixel_cards.compared(chosen)
chosen = replace(chosen, methods=methods, classes="1", view="overlay")
known = evidence.look(chosen, patience=evidence.PATIENCE)


def show_picture() -> None:
    seen = evidence.look(chosen)
    if seen.error:
        display.show_problem(seen.error)
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


watch(show_picture, lambda: evidence.look(chosen).pace)
if known.cells and known.cells[0].map is not None:
    st.fragment(show_more)()
