"""Which method is best, and is the difference real?"""

from __future__ import annotations

import boards
import cached
import charts
import choices
import display
import results
import results_page
import streamlit as st
import versus
import wording
from facts import joined

display.show_heading(
    "Which method is best, and is the difference real?",
    "Every method on every picture of a data set, against null baselines that explain nothing.",
)
shown = results_page.ask_run_and_images()
run_dir, stamp, manifest, filters = shown.run_dir, shown.stamp, shown.manifest, shown.filters
metric, titles = shown.measure, shown.titles
board = cached.board(run_dir, stamp, filters)
if not board.images:
    display.show_problem("No picture fits these filters: take one away.", "hint")
    raise display.PageEnd
rows = results.metric_rows(board, manifest, metric)
test, stable = cached.standing(run_dir, stamp, filters, metric)
display.show_answer(wording.leader(rows, test, manifest, metric, stable))
left, right = st.columns(2)
chart = charts.draw_intervals(rows, results.floor_of(rows), titles[metric])
display.show_chart(left, chart, f"Means and intervals of {titles[metric]}")
if test is not None:
    names = {m: results.method_title(m, manifest) for m in test.mean_ranks.index}
    floor = set(rows.loc[rows["baseline"], "name"])
    chart = charts.draw_critical_differences(test, names, floor)
    display.show_chart(right, chart, f"Mean ranks in {titles[metric]}")
display.show_note(wording.board_caption(board, manifest))


def show_more() -> None:
    table, intervals, wins, speed, other = choices.tabs(
        ["All measures", "Intervals", "Pairwise wins", "Speed", "Another run"]
    )
    if table.open:
        with table:
            boards.show_board(board, manifest, filters.of(cached.scores(run_dir, stamp)))
    if intervals.open:
        with intervals:
            display.show_table(
                results.interval_table(board, manifest), "intervals", wording.INTERVALS
            )
    if wins.open:
        pairs = cached.pairwise(run_dir, stamp, filters, metric)
        with wins:
            boards.show_wins(pairs, rows, manifest)
    if speed.open:
        with speed:
            display.show_chart(speed, charts.draw_speed(rows, titles[metric]), "Speed")
            devices = joined(manifest.get("devices", ["the machine that made the run"]))
            display.show_note(wording.SPEED.format(devices=devices))
    if other.open:
        with other:
            versus.show_versus(shown)


st.fragment(show_more)()
