"""Do maps depend on the weights and on the class?"""

from __future__ import annotations

import streamlit as st
from drawing import charts, curve_charts
from frame import display, results_page
from recipes import facts
from runs import standings, tables
from state import choices, method_choice

from xai_core import headline
from xai_core.findings import mean_curves, results, wording

display.show_heading(
    "Do the maps depend on the model and on the class?",
    "A map that stays when the model's weights become random, or when the class changes, "
    "explains something else.",
)
shown = results_page.ask_run_and_images(kinds=("check",), name="check")
if not shown.titles:
    display.show_problem(wording.NO_CHECKS, "hint")
    if st.button("Evaluate the checks", icon=":material/play_arrow:"):
        choices.evaluate([name for name, f in facts.facts("metrics").items() if f.kind == "check"])
else:
    board = standings.board(shown.run_dir, shown.stamp, shown.filters)
    rows = results.metric_rows(board, shown.manifest, shown.metric).sort_values("mean")
    display.show_answer(wording.sanity_says(rows, shown.metric, shown.manifest))
    chart = charts.draw_intervals(rows, None, shown.titles[shown.metric])
    display.show_chart(None, chart, shown.titles[shown.metric])
    sign = wording.UNSIGNED if shown.metric.startswith("randomization") else ""
    display.show_note(wording.SANITY.format(n=int(rows["n"].max()), sign=sign))
    if missing := wording.unscored_says(board, shown.manifest, shown.metric):
        display.show_note(missing)
    stored = tables.curves(shown.run_dir, shown.stamp)
    if shown.metric in mean_curves.curve_metrics(stored, shown.manifest):
        methods = dict(zip(rows["method"], rows["name"], strict=True))
        display.show_section(
            "Layer by layer",
            "Rank correlation with the untouched map, with its sign, while layers become random, "
            "the last first.",
        )
        chosen = method_choice.ask_shown(methods, headline.METHODS)
        about = (shown.run_dir, shown.stamp, shown.filters, shown.metric)
        rows = standings.curve_means(*about, tuple(chosen))
        rows, methods = results.merged(rows, board.same, methods)
        across = "share of the layers that are random"
        chart = curve_charts.draw_curves(rows, methods, "rank correlation", across)
        display.show_chart(None, chart, "Layers")
