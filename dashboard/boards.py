"""Boards: tables of results whose cells open the pictures behind them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cached
import charts
import choices
import confusions
import numpy as np
import numpy.typing as npt
import results
import streamlit as st
import wording
from display import (
    CHART_CONFIG,
    offer_table,
    show_chart,
    show_note,
    show_problem,
    show_section,
    three_digits,
)
from results import Board

from xai_core import DATA

if TYPE_CHECKING:
    import pandas as pd


def show_board(board: Board, manifest: dict[str, Any], scores: pd.DataFrame) -> None:
    """All measures; a chosen cell opens the pictures behind its number."""
    table = results.mean_table(board, manifest)
    event = st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(table),
        column_config=three_digits(table),
        placeholder="–",
        on_select="rerun",
        selection_mode="single-cell",
        key=choices.BOARD,
        alt="Means of all measures, one row per method",
    )
    show_note("Choose a cell to see the pictures behind its number.")
    offer_table(table, "leaderboard")
    for row, column in event["selection"]["cells"][:1]:
        metrics = {results.metric_title(m, manifest): m for m in results.metrics_of(manifest)}
        if column in metrics:
            show_examples(scores, str(table.index[row]), metrics[column], manifest)


def show_wins(pairs: pd.DataFrame, rows: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """Which method beats which, on how many pictures; `rows` gives the order."""
    if pairs.empty:
        show_problem("This measure describes maps; nothing wins in it.", "hint")
        return
    involved = {*pairs["first"], *pairs["second"]}
    order = [method for method in rows["method"] if method in involved]
    names = {method: results.method_title(method, manifest) for method in order}
    show_chart(None, charts.draw_wins(pairs, names, order), "Pairwise wins")
    show_note(wording.WINS)


def show_examples(scores: pd.DataFrame, method: str, metric: str, manifest: dict[str, Any]) -> None:
    """The best, median and worst pictures of one method in one measure."""
    higher = results.is_higher_better(metric, manifest) is not False
    found = results.examples(scores, method, metric, higher)
    titles = results.method_title(method, manifest), results.metric_title(metric, manifest)
    show_section(f"{titles[0]}: {titles[1]}", "The three best, middle and worst pictures.")
    grid = st.grid(9, min_column_width=110)
    for number, row in enumerate(found.to_dict("records")):
        with grid.cell():
            file = _file_of(row["image_sha256"], manifest)
            if file is not None:
                st.image(file.read_bytes(), width="stretch", alt=row["image"])
            text = f"{row['place']}: {row['score']:.3f}"
            st.html(f"<div class='card'><h3>{escape(text)}</h3></div>")
            known = row["image"] in cached.samples()
            if known and st.button("Open", key=choices.example_key(number), width="stretch"):
                choices.show_in_compare(row["image"], [method, *choices.METHODS])


def ask_confusion(counts: npt.NDArray[np.int64], names: Sequence[str]) -> tuple[int, int] | None:
    """The confusion matrix; returns (label, predicted) of the chosen cell."""
    event = st.plotly_chart(
        charts.draw_confusion(counts, names),
        width="stretch",
        on_select="rerun",
        selection_mode="points",
        config=CHART_CONFIG,
        key=choices.CONFUSION,
        alt="Confusion matrix: rows are the true classes, columns what the network said",
    )
    points = event["selection"]["points"]
    if not points:
        return None
    return list(names).index(points[0]["y"]), list(names).index(points[0]["x"])


def ask_picture_of(
    table: pd.DataFrame, names: Sequence[str], cell: tuple[int, int] | None
) -> str | None:
    """The pictures behind a cell, or the surest mistakes; returns the sample that is chosen."""
    title = "The surest mistakes"
    if cell is not None:
        title = f"True class {names[cell[0]]}, predicted {names[cell[1]]}"
    show_section(title, f"{len(table)} pictures. Choose one to see the evidence.")
    known = table[table["image"].isin(list(cached.samples()))].head(24)
    if known.empty:
        show_note("None of them is a sample that can be opened here.")
        return None
    pictures = {
        row["image"]: (
            f"{names[row['label']]} taken for {names[row['predicted']]}",
            cached.thumbnail(cached.sample_photo(row["image"])),
        )
        for row in known.to_dict("records")
    }
    return choices.ask_one_of(pictures)


def show_off_object(scores: pd.DataFrame, manifest: dict[str, Any]) -> None:
    """The pictures on which a method's positive relevance lies outside the object."""
    specs = set(scores.loc[scores["metric"] == "relevance_mass", "method"])
    known = {m: results.method_title(m, manifest) for m in choices.METHODS if m in specs}
    if not known:
        return
    show_section(
        "Attention off the object", "Where most of the positive relevance lies outside the mask."
    )
    method = choices.ask_off_object(known)
    rows = confusions.off_object(scores, method).head(9)
    grid = st.grid(9, min_column_width=110)
    for row in rows.to_dict("records"):
        with grid.cell():
            file = _file_of(row["image_sha256"], manifest)
            if file is not None:
                st.image(file.read_bytes(), width="stretch", alt=row["image"])
            outside = f"{row['outside']:.0%} outside"
            said = manifest["classifier"]["categories"][row["predicted"]]
            st.html(
                f"<div class='card'><h3>{outside}</h3><p class='note'>predicted "
                f"{escape(said)}</p></div>"
            )


def _file_of(sha256: str, manifest: dict[str, Any]) -> Path | None:
    for image in manifest["images"]:
        if image["sha256"] == sha256:
            file = DATA.parent / image["path"]
            return file if file.is_file() else None
    return None
