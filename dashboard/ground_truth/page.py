"""Who finds the evidence that is known to matter?"""

from __future__ import annotations

import streamlit as st
from drawing import charts
from frame import display
from runs import tables, truths
from runs.former import former_says
from state import choices

from ground_truth import asked, truth_pages
from xai_core.findings import lead_wording, results, truth_wording, wording
from xai_core.findings.phrases import twins

display.show_heading(
    "Who finds the evidence that is known to matter?",
    "Scenes are drawn again with one thing changed, so what the model uses is known.",
)
runs = tables.truth_runs()
if not runs:
    display.show_problem(
        "There are no ground-truth results yet: run "
        "campare evaluate --benchmark all --run-dir data/runs/ground_truth",
        "hint",
    )
    raise display.PageEnd
with choices.toolbar([2, 3, 5]) as (run, benchmark, _):
    with run:
        run_dir = runs[asked.ask_truth(list(runs))]
    found = truths.truth(run_dir)
    with benchmark:
        metrics = results.metrics_of(found.manifest)
        titles = {metric: results.metric_title(metric, found.manifest) for metric in metrics}
        metric = asked.ask_benchmark(titles)

if former := former_says(found.manifest):
    display.show_note(former)
display.show_answer(found.sentences)
if note := truth_pages.not_the_chosen_run(run_dir, found):
    display.show_note(note)
rows = found.rows(metric)
stamp = tables.run_stamp(run_dir)
test, leading = truths.truth_test(run_dir, stamp, metric)
said = lead_wording.lead_says(leading, found.manifest, metric, found.board.same)
display.show_section(titles[metric], " ".join(said))
left, right = st.columns(2)
chart = charts.draw_intervals(rows, results.floor_of(rows), titles[metric])
if metric in found.ceilings:
    chart.add_vline(x=found.ceilings[metric], line_width=1.5, line_color=charts.TRUE)
display.show_chart(left, chart, f"Means and intervals of {titles[metric]}")
if test is not None:
    names = {m: twins(m, found.board.same, found.manifest) for m in test.mean_ranks.index}
    floor = {names[m] for m in rows.loc[rows["baseline"], "method"] if m in names}
    chart = charts.draw_critical_differences(test, names, floor)
    display.show_chart(right, chart, f"Mean ranks in {titles[metric]}")
n, has_nulls = int(rows["n"].max()), results.floor_of(rows) is not None
higher = bool(results.is_higher_better(metric, found.manifest))
oracle = truth_wording.oracle_says(rows["mean"], found.ceilings.get(metric), higher)
display.show_note(
    truth_wording.benchmark_caption(found.manifest, metric, n, len(found.means), oracle, has_nulls)
)
if missing := wording.unscored_says(found.board, found.manifest, metric):
    display.show_note(missing)
st.fragment(truth_pages.show_more)(run_dir, stamp, found)
