"""How do insertion, deletion, MoRF and LeRF run?"""

from __future__ import annotations

from drawing import charts
from frame import display, results_page
from runs import cached, results, wording
from state import choices

from xai_core import headline

display.show_heading(
    "How does the score run as pixels are taken away or revealed?",
    "A score is the area of a curve. The curve shows where a method wins or loses it.",
)
shown = results_page.ask_run_and_images(cached.curve_measures(), name="curve")
curves = cached.curves(shown.run_dir, shown.stamp)
if not results.curve_metrics(curves, shown.manifest):
    display.show_problem("This run stored no curves: evaluate deletion or insertion.", "hint")
else:
    methods = {e["spec"]: e["label"] for e in shown.manifest["methods"].values()}
    chosen = choices.ask_shown(methods, (*headline.METHODS, "random"))
    about = (shown.run_dir, shown.stamp, shown.filters, shown.measure)
    rows = cached.curve_means(*about, tuple(chosen))
    if rows.empty:
        display.show_problem("No curve fits these choices: take a filter away.", "hint")
    else:
        display.show_answer(wording.curves_say(rows, shown.measure, methods, shown.manifest))
        chart = charts.draw_curves(rows, methods, "class probability")
        display.show_chart(None, chart, f"Curves of {shown.titles[shown.measure]}")
        note = wording.curves_caption(rows)
        board = cached.board(shown.run_dir, shown.stamp, shown.filters)
        if same := wording.same_scores(board, shown.manifest, chosen):
            note += f" The same curve, one behind the other: {same}."
        display.show_note(note)
        table = rows.assign(method=[methods[m] for m in rows["method"]])
        display.offer_table(table, "curves")
