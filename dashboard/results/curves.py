"""How do insertion, deletion, MoRF and LeRF run?"""

from __future__ import annotations

import streamlit as st
from drawing import curve_charts
from frame import display, results_page
from runs import standings, tables
from state import method_choice

from xai_core import headline
from xai_core.findings import mean_curves, results, wording

display.show_heading(
    "How does the score change as pixels are taken away or revealed?",
    "A score is the area under a curve. The curve shows where a method wins or loses it.",
)
shown = results_page.ask_run_and_images(standings.curve_metrics(), name="curve")
curves = tables.curves(shown.run_dir, shown.stamp)
if not mean_curves.curve_metrics(curves, shown.manifest):
    display.show_problem("This run stored no curves: evaluate deletion or insertion.", "hint")
else:
    methods = {e["spec"]: e["label"] for e in shown.manifest["methods"].values()}
    chosen = method_choice.ask_shown(methods, (*headline.METHODS, "random"))
    about = (shown.run_dir, shown.stamp, shown.filters, shown.metric)
    rows = standings.curve_means(*about, tuple(chosen))
    if rows.empty:
        display.show_problem("No curve fits these choices: take a filter away.", "hint")
    else:
        board = standings.board(shown.run_dir, shown.stamp, shown.filters)
        rows, names = results.merged(rows, board.same, methods)
        display.show_answer(wording.curves_say(rows, shown.metric, names, shown.manifest))
        kinds = [
            kind for kind in (*wording.KINDS, *rows["curve"].unique()) if kind in set(rows["curve"])
        ]
        kinds = list(dict.fromkeys(kinds))
        for place, kind in zip(st.columns(len(kinds)), kinds, strict=True):
            title, lead = wording.KINDS.get(kind, (shown.titles[shown.metric], ""))
            with place:
                display.show_section(title, lead)
            chart = curve_charts.draw_curves(
                rows[rows["curve"] == kind], names, "class probability"
            )
            display.show_chart(place, chart, f"{title}: {shown.titles[shown.metric]}")
        display.show_note(wording.curves_caption(rows))
        table = rows.assign(method=[names[m] for m in rows["method"]])
        display.offer_table(table, "curves")
