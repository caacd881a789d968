"""Where is the network wrong, and what did it look at?"""

from __future__ import annotations

from dataclasses import replace

import boards
import cached
import cards
import charts
import choices
import confusions
import display
import evidence
import streamlit as st
import wording

display.show_heading(
    "Where is the network wrong, and what did it look at?",
    "The network's own mistakes on a data set, and for each of them the evidence for the class it "
    "chose and for the true one.",
)
runs = cached.runs()
if not runs:
    display.show_problem("There are no results yet: evaluate something under Work.", "hint")
    st.stop()
with choices.toolbar([2, 5, 3]) as (run, methods, opacity):
    with run:
        run_dir = runs[choices.ask_run({name: name for name in runs})]
    with methods:
        choices.ask_methods()
    with opacity:
        choices.ask_opacity()
stamp = cached.run_stamp(run_dir)
manifest = cached.manifest(run_dir, stamp)
names = manifest["classifier"]["categories"]
table = confusions.predictions(manifest)
if table.empty:
    display.show_problem("The pictures of this run have no labels, so nothing is wrong.", "hint")
    st.stop()
display.show_answer(wording.mistakes_say(table, names))
left, right = st.columns([3, 2])
with left:
    counts = confusions.confusion(table, len(names))
    cell = boards.ask_confusion(counts, names)
with right:
    bins = confusions.calibration(table)
    error = confusions.calibration_error(bins)
    display.show_chart(right, charts.draw_calibration(bins, error), "Calibration")
display.show_note(wording.MISTAKES.format(n=len(table)))
chosen_ones = confusions.confident_mistakes(table)
if cell is not None:
    chosen_ones = table[(table["label"] == cell[0]) & (table["predicted"] == cell[1])]
image = boards.ask_picture_of(chosen_ones, names, cell)
if image is not None:
    chosen = replace(
        choices.current(),
        picture=image,
        network=manifest["classifier"]["name"],
        framing=manifest["framing"],
        classes="true",
        view="overlay",
    )
    waiting = evidence.look(chosen).pending

    def show_evidence() -> None:
        seen = evidence.look(chosen)
        if seen.error:
            display.show_problem(seen.error)
        for target in seen.targets:
            st.html(f"<h2 class='rowtitle'>{cards.class_line(seen, target)}</h2>")
            cards.show_row(seen, chosen, target)
        cards.show_contrast(seen, chosen)
        if waiting and not seen.pending:
            st.rerun()

    st.fragment(show_evidence, run_every=0.4 if waiting else None)()
    display.show_legend("overlay", chosen.threshold)
boards.show_off_object(cached.scores(run_dir, stamp), manifest)
