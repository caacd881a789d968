"""Where is the model wrong, and what did it look at?"""

from __future__ import annotations

import streamlit as st
from drawing import mistake_charts
from frame import display
from runs import confusions, tables
from state import choices, look_choice, run_choice

from mistakes import mistake_cards, mistakes_wording, own_mistakes
from mistakes.explained_alike import show_clusters

display.show_heading(
    "Where is the model wrong, and what did it look at?",
    "The model's own mistakes on a data set, and for each of them the evidence for the class it "
    "chose and for the true one.",
)
runs = own_mistakes.known_runs()
with choices.toolbar([2.2, 5, 1.8, 2]) as (run, methods, opacity, own):
    with run:
        name = run_choice.ask_run(list(runs))
    with methods:
        own_methods = mistake_cards.ask_methods(runs.get(name))
    with opacity:
        look_choice.ask_opacity()
    with own, st.popover("Your model and images", width="stretch"):
        own_mistakes.offer()
if not runs:
    display.show_problem(display.NO_RESULTS, "hint")
    raise display.PageEnd
run_dir = runs[name]
own_mistakes.show_state(run_dir)
stamp = tables.run_stamp(run_dir)
if not stamp:
    raise display.PageEnd
manifest = tables.manifest(run_dir, stamp)
names = manifest["classifier"]["categories"]
table = confusions.predictions(manifest)
if table.empty:
    display.show_problem(mistakes_wording.NO_LABELS, "hint")
    raise display.PageEnd
display.show_answer(mistakes_wording.mistakes_say(table, names, manifest))
left, right = st.columns([3, 2])
with left:
    mistake_cards.ask_confusion(table, names)
with right:
    bins = confusions.calibration(table)
    error = confusions.calibration_error(bins)
    display.show_chart(right, mistake_charts.draw_calibration(bins, error), "Calibration")
display.show_note(mistakes_wording.matrix_caption(len(table), error is not None))
image = mistake_cards.ask_image(table, names)
if image is not None:
    mistake_cards.show_evidence(image, manifest, own_methods)
    display.show_legend("overlay", choices.current().threshold)
    display.show_note(mistakes_wording.CONTRAST)
outside, means, alike = choices.tabs(
    ["Attention off the object", "Mean map of each class", "Explained alike"], "_seen"
)
if outside.open:
    with outside:
        mistake_cards.show_off_object(table, tables.scores(run_dir, stamp), manifest)
if means.open:
    with means:
        mistake_cards.show_mean_maps(table, manifest, own_methods)
if alike.open:
    with alike:
        show_clusters(run_dir, stamp, manifest)
