"""Boards: tables of results whose cells open the images behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st
from drawing import charts
from frame import display
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
from runs import cached, run_images
from state import choices, run_choice

from results import asked
from xai_core import headline
from xai_core.findings import lead_wording, results, wording
from xai_core.findings.results import Board

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

    from xai_core.evaluation.lead import Lead


def show_board(
    board: Board,
    manifest: dict[str, Any],
    counted: Callable[[], pd.DataFrame],
    sampled: Mapping[str, float | None],
    leading_in: Callable[[str], Lead | None],
) -> None:
    """A group of metrics that fits; a chosen cell opens the images behind its number.

    `counted` reads the rows of the images that count, for these.
    """
    table = results.mean_table(board, manifest)
    titles = zip(table["Method"], table.index, strict=True)
    table["Method"] = [lead_wording.marked(title, str(m), sampled) for title, m in titles]
    groups = results.metric_groups(table, manifest)
    shown = without_minus_zero(table[["Method", *groups[run_choice.ask_group(list(groups))]]])
    metrics = {results.metric_title(m, manifest): m for m in results.metrics_of(manifest)}
    show_note(wording.BOARD)
    event = st.dataframe(
        _tinted(shown, metrics, manifest, board, leading_in),
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(table),
        column_config=column_forms(shown),
        placeholder="–",
        on_select="rerun",
        selection_mode="single-cell",
        key=asked.BOARD,
        alt="Means of some metrics, one row per method",
    )
    if results.HEADLINE_RANK in shown:
        show_note(wording.rank_caption(board))
    offer_table(table, "leaderboard")
    for row, column in event["selection"]["cells"][:1]:
        if column in metrics and column in shown:
            show_examples(counted(), str(table.index[row]), metrics[column], manifest)


def _tinted(
    table: pd.DataFrame,
    metrics: Mapping[str, str],
    manifest: dict[str, Any],
    board: Board,
    leading_in: Callable[[str], Lead | None],
) -> Styler:
    """The better the bluer within a metric; bold what a test tells apart from all others."""
    ranked = {t: m for t, m in metrics.items() if t in table}
    ranked = {t: m for t, m in ranked.items() if results.is_higher_better(m, manifest) is not None}

    def column_styles(column: pd.Series[Any]) -> list[str]:
        metric = ranked[str(column.name)]
        good = results.goodness(column, bool(results.is_higher_better(metric, manifest)))
        best = results.surely_best(leading_in(metric), board.same)
        tints = [f"background-color: {display.tint(g)}" for g in good.fillna(0)]
        bold = ["; font-weight: bold" if m in best else "" for m in column.index]
        return [tint + weight for tint, weight in zip(tints, bold, strict=True)]

    numbers: dict[Any, str | Callable[[object], str] | None] = {
        name: "{:.2g}" if "Seconds" in str(name) else "{:.3f}"
        for name in table.select_dtypes("float")
    }
    return table.style.apply(column_styles, subset=list(ranked)).format(numbers, na_rep="–")


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
            if known and st.button("Open", key=asked.example_key(number), width="stretch"):
                methods = dict.fromkeys([method, *headline.METHODS])
                choices.show_in_compare(row["image"], list(methods))
