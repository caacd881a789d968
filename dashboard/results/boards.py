"""Boards: tables of results whose cells open the images behind them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st
from drawing import charts
from frame.display import (
    column_forms,
    offer_table,
    show_chart,
    show_note,
    show_problem,
    show_section,
    show_table,
    without_minus_zero,
)
from runs import cached, lead_wording, results, run_images, wording
from runs.results import Board
from state import choices

from xai_core import headline

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.evaluation.lead import Lead


def show_board(
    board: Board,
    manifest: dict[str, Any],
    scores: pd.DataFrame,
    sampled: Mapping[str, float | None],
) -> None:
    """All metrics; a chosen cell opens the images behind its number."""
    table = results.mean_table(board, manifest)
    titles = zip(table["Method"], table.index, strict=True)
    table["Method"] = [lead_wording.marked(title, str(m), sampled) for title, m in titles]
    event = st.dataframe(
        without_minus_zero(table),
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(table),
        column_config=column_forms(table),
        placeholder="–",
        on_select="rerun",
        selection_mode="single-cell",
        key=choices.BOARD,
        alt="Means of all metrics, one row per method",
    )
    show_note("Choose a cell to see the images behind its number.")
    if results.HEADLINE_RANK in table:
        show_note(wording.rank_caption())
    offer_table(table, "leaderboard")
    for row, column in event["selection"]["cells"][:1]:
        metrics = {results.metric_title(m, manifest): m for m in results.metrics_of(manifest)}
        if column in metrics:
            show_examples(scores, str(table.index[row]), metrics[column], manifest)


def show_nulls(leading: Lead | None, manifest: dict[str, Any]) -> None:
    """Every method against the null baselines; or why there is nothing to compare."""
    if leading is None or leading.groups.empty:
        show_problem(lead_wording.NO_NULLS, "hint")
        return
    table = lead_wording.null_table(leading, manifest)
    show_table(table, "null_baselines", lead_wording.NULLS)


def show_wins(pairs: pd.DataFrame, rows: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """Which method beats which, on how many images; `rows` gives the order."""
    if pairs.empty:
        show_problem("This metric describes maps; nothing wins in it.", "hint")
        return
    involved = {*pairs["first"], *pairs["second"]}
    order = [method for method in rows["method"] if method in involved]
    names = {method: results.method_title(method, manifest) for method in order}
    show_chart(None, charts.draw_wins(pairs, names, order), "Pairwise wins")
    show_note(wording.WINS)


def show_examples(scores: pd.DataFrame, method: str, metric: str, manifest: dict[str, Any]) -> None:
    """The best, median and worst images of one method in one metric."""
    higher = results.is_higher_better(metric, manifest) is not False
    found = results.examples(scores, method, metric, higher)
    titles = results.method_title(method, manifest), results.metric_title(metric, manifest)
    show_section(f"{titles[0]}: {titles[1]}", "The three best, middle and worst images.")
    grid = st.grid(9, min_column_width=110)
    for number, row in enumerate(found.to_dict("records")):
        with grid.cell():
            file = run_images.file_by_sha256(row["image_sha256"], manifest)
            if file is not None:
                st.image(file.read_bytes(), width="stretch", alt=row["image"])
            text = f"{row['place']}: {row['score']:z.3f}"
            st.html(f"<div class='card'><h3>{escape(text)}</h3></div>")
            known = row["image"] in cached.samples()
            if known and st.button("Open", key=choices.example_key(number), width="stretch"):
                methods = dict.fromkeys([method, *headline.METHODS])
                choices.show_in_compare(row["image"], list(methods))
