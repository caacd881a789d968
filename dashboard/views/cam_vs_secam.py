"""What do superpixels change?"""

from __future__ import annotations

from dataclasses import replace

import cached
import cards
import charts
import choices
import display
import evidence
import facts
import networks
import streamlit as st
import wording

from xai_core.evaluation.contrast import CONTROLS

COUNTS, SHARES = (20, 50, 100, 200), (0.5, 0.6, 0.7, 0.8, 0.9)

display.show_heading(
    "CAM or SeCAM: what do superpixels change?",
    "SeCAM gives every superpixel the mean of CAM. The outlines are the picture's, the evidence "
    "is CAM's.",
)
sentences, found = cached.superpixel_answer()
display.show_answer(sentences)
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
values = {"segments": chosen.segments, "compactness": chosen.compactness}
secam = facts.spec_of("secam", values)
legacy = facts.spec_of("secam", {**values, "resolution": "feature"})
controls = [facts.spec_of(c, values) for c in CONTROLS if c in facts.facts("methods")]
chosen = replace(chosen, methods=("cam", secam, legacy, *controls), classes="1", view="overlay")
waiting = evidence.look(chosen).pending


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
    look = cards.look_of(seen, chosen)
    key = (seen.photo.sha256, seen.network, cam.target, look.framing, look.opacity, look.threshold)
    steps = cached.secam_steps(look, cam.map, key, chosen.segments, chosen.compactness)
    display.show_steps(steps, 6)
    display.show_legend("overlay", chosen.threshold)
    display.show_section(
        "What it scores on this picture",
        "Beside SeCAM: averaging on the network's grid (legacy), and controls that average without "
        "this picture's superpixels.",
    )
    cards.show_row(seen, chosen, cam.target)
    if waiting and not seen.pending:
        st.rerun()


def show_more() -> None:
    everything, grid, slic = choices.tabs(
        ["Over all pictures", "Superpixels × threshold", "How SLIC works"]
    )
    if everything.open and found is not None:
        with everything:
            table = wording.contrast_table(found)
            chart = charts.draw_gains(found.table, list(table["Measure"]), "SeCAM", "CAM")
            display.show_chart(everything, chart, "Gain of SeCAM over CAM in every measure")
            display.show_table(table, "cam_vs_secam", wording.CAPTION)
    if grid.open:
        with grid:
            cards.show_sweep(evidence.look(chosen), chosen, COUNTS, SHARES)
    if slic.open:
        with slic:
            cards.show_slic(evidence.look(chosen), chosen)


st.fragment(show_picture, run_every=0.4 if waiting else None)()
if not waiting:
    st.fragment(show_more)()
