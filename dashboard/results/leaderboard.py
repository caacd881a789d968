"""Which method is best, and is the difference real?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from drawing import charts
from frame import display, results_page
from recipes.facts import joined
from runs import standings, tables
from state import choices

from results import boards, rank_boards, versus
from xai_core.evaluation.lead import Lead
from xai_core.findings import echo, lead_wording, results, wording
from xai_core.findings.phrases import twins

if TYPE_CHECKING:
    import pandas as pd

display.show_heading(
    "Which method is best, and is the difference real?",
    "Every method on every image of a data set, against null baselines that explain nothing.",
)
shown = results_page.ask_run_and_images()
run_dir, stamp, manifest, filters = shown.run_dir, shown.stamp, shown.manifest, shown.filters
metric, titles = shown.metric, shown.titles
board = standings.board(run_dir, stamp, filters)
if not board.images:
    display.show_problem("No image fits these filters: take one away.", "hint")
    raise display.PageEnd
rows = results.metric_rows(board, manifest, metric)
test, leading = standings.standing(run_dir, stamp, filters, metric)
sampled = standings.seed_agreements(run_dir, stamp)
finished = tables.finished(run_dir, stamp)
said = lead_wording.lead_says(leading, manifest, metric, board.same, finished, sampled)
if other := standings.counterpart(run_dir):
    found = standings.echo(run_dir, stamp, filters, other, metric)
    said = [*said, *filter(None, [echo.echo_says(found, metric, tables.manifest(*other))])]
display.show_answer(said)
rows["name"] = [lead_wording.marked(r["name"], r["method"], sampled) for _, r in rows.iterrows()]
left, right = st.columns(2)
chart = charts.draw_intervals(rows, results.floor_of(rows), titles[metric])
display.show_chart(left, chart, f"Means and intervals of {titles[metric]}")
if test is not None:
    names = {
        m: lead_wording.marked(twins(m, board.same, manifest), m, sampled)
        for m in test.mean_ranks.index
    }
    floor = {names[m] for m in rows.loc[rows["baseline"], "method"] if m in names}
    chart = charts.draw_critical_differences(test, names, floor)
    display.show_chart(right, chart, f"Mean ranks in {titles[metric]}")
has_nulls = results.floor_of(rows) is not None
display.show_note(wording.board_caption(board, manifest, has_nulls, test is not None))
if missing := wording.unscored_says(board, manifest, metric):
    display.show_note(missing)
if marks := lead_wording.marks_say(sampled, manifest):
    display.show_note(marks)


def leading_in(name: str) -> Lead | None:
    return standings.standing(run_dir, stamp, filters, name)[1]


def counted() -> pd.DataFrame:
    """The rows of the images that count; read only where they are looked at."""
    return filters.of(tables.scores(run_dir, stamp))


def show_more() -> None:
    names = ["All metrics", "Ranks", "Two aims", "By class", "Null baselines", "Intervals",
             "Pairwise wins", "Speed", "Another run"]  # fmt: skip
    table, ranks, aims, classes, nulls, intervals, wins, speed, other = choices.tabs(names)
    if ranks.open:
        with ranks:
            rank_boards.show_ranks(board, manifest)
    if aims.open:
        with aims:
            rank_boards.show_aims(board, manifest, metric)
    if classes.open:
        with classes:
            rank_boards.show_classes(counted(), manifest, metric, board.same)
    if table.open:
        with table:
            boards.show_board(board, manifest, counted, sampled, leading_in)
    if nulls.open:
        with nulls:
            boards.show_nulls(leading, manifest)
    if intervals.open:
        with intervals:
            display.show_table(
                results.interval_table(board, manifest), "intervals", wording.INTERVALS
            )
    if wins.open:
        pairs = standings.pairwise(run_dir, stamp, filters, metric)
        with wins:
            boards.show_wins(pairs, rows, manifest)
    if speed.open:
        with speed:
            display.show_chart(
                speed, charts.draw_speed(rows, titles[metric]), "Speed", has_names=True
            )
            devices = joined(manifest.get("devices", ["the machine that made the run"]))
            display.show_note(wording.SPEED.format(devices=devices))
    if other.open:
        with other:
            versus.show_versus(shown)


st.fragment(show_more)()
