"""Slide table: means and intervals as a table of the slides' program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Cm, Pt

from xai_core.report.native import Box
from xai_core.report.tables import ARROWS, Table

ROWS, POINTS, MARGIN_CM, ROW_CM, NAME_SHARE = 17, 12, 0.06, 0.74, 0.3
LINE = RGBColor(0xE3, 0xE3, 0xE3)


def slides_of(table: Table) -> Iterator[tuple[str, Table]]:
    """The table in as many parts as slides hold it, each with its title."""
    methods = list(dict.fromkeys(table.rows["method"]))
    parts = [methods[i : i + ROWS] for i in range(0, len(methods), ROWS)]
    for number, part in enumerate(parts, start=1):
        which = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        rows = table.rows[table.rows["method"].isin(part)]
        yield f"{table.headline}{which}", replace(table, rows=rows)


def add_table(slide: Any, table: Table, box: Box) -> Any:
    """The table with the best in bold; returns its frame."""
    heads, lines = _texts(table)
    left, top, width, _ = box
    frame = slide.shapes.add_table(
        len(lines) + 1, len(heads), left, top, width, Cm(ROW_CM * (len(lines) + 1))
    )
    shown = frame.table
    shown.horz_banding = False
    name = int(width * NAME_SHARE)
    for number, column in enumerate(shown.columns):
        column.width = (width - name) // (len(heads) - 1) if number else name
    for row, line in enumerate([[(head, True) for head in heads], *lines]):
        shown.rows[row].height = Cm(ROW_CM)
        for column, (text, is_bold) in enumerate(line):
            _fill(shown.cell(row, column), text, is_bold, row == 0, column == 0)
    return frame


def _texts(table: Table) -> tuple[list[str], list[list[tuple[str, bool]]]]:
    """The heads, and for each method its cells with whether they are bold."""
    rows = table.rows
    metrics = list(dict.fromkeys(rows["metric"]))
    firsts = [rows[rows["metric"] == metric].iloc[0] for metric in metrics]
    heads = [f"{first['metric_title']}{ARROWS[first['better']]}" for first in firsts]
    cells = {(r["method"], r["metric"]): r for r in rows.to_dict("records")}
    titles = dict(zip(rows["method"], rows["method_title"], strict=True))
    return ["Method", *heads], [
        [(title, False), *(_cell(cells.get((method, metric))) for metric in metrics)]
        for method, title in titles.items()
    ]


def _cell(row: Any) -> tuple[str, bool]:
    if row is None or not row["mean"]:
        return "–", False
    text = f"{row['mean']} [{row['low']}, {row['high']}]" if row["low"] else str(row["mean"])
    return text, bool(row["best"])


def _fill(cell: Any, text: str, is_bold: bool, is_head: bool, is_name: bool) -> None:
    cell.text = text
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.margin_top = cell.margin_bottom = Cm(MARGIN_CM)
    cell.fill.solid()
    cell.fill.fore_color.rgb = LINE if is_head else RGBColor(0xFF, 0xFF, 0xFF)
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.LEFT if is_name else PP_ALIGN.CENTER
    font = paragraph.font
    font.size, font.bold, font.color.rgb = Pt(POINTS), is_bold, RGBColor(0x22, 0x22, 0x22)
