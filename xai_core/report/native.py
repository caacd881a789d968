"""Native: charts that the slides' program draws itself, so that their numbers can be edited."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LEGEND_POSITION,
    XL_MARKER_STYLE,
    XL_TICK_LABEL_POSITION,
)
from pptx.enum.dml import MSO_LINE_DASH_STYLE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Pt

from xai_core.findings.wording import CURVE_NAMES
from xai_core.report.charts import looks_of
from xai_core.report.style import GRID, INK, MUTED

Box = tuple[int, int, int, int]
"""Left, top, width and height in EMU."""
POINTS, SMALL_POINTS, GAP_PERCENT, MARKER = 12, 10, 45, 9
STEPS, SLACK = 7, 1e-9
DASHES = {
    "-": MSO_LINE_DASH_STYLE.SOLID, "--": MSO_LINE_DASH_STYLE.DASH,
    "-.": MSO_LINE_DASH_STYLE.DASH_DOT, ":": MSO_LINE_DASH_STYLE.ROUND_DOT,
}  # fmt: skip
MARKERS = {
    "o": XL_MARKER_STYLE.CIRCLE, "s": XL_MARKER_STYLE.SQUARE, "^": XL_MARKER_STYLE.TRIANGLE,
    "D": XL_MARKER_STYLE.DIAMOND, "v": XL_MARKER_STYLE.DASH, "P": XL_MARKER_STYLE.PLUS,
    "X": XL_MARKER_STYLE.X, "<": XL_MARKER_STYLE.STAR,
}  # fmt: skip


@dataclass(frozen=True)
class Bars:
    """A bar for each row, best on top, with its interval; `rows` has name, mean, low, high, colour.

    `legend`: what its marks mean, which are not those of the printed figure.
    """

    rows: pd.DataFrame
    title: str
    legend: str

    def place(self, slide: Any, box: Box) -> list[Any]:
        """Draws it on a slide; returns the frames."""
        rows = self.rows.iloc[::-1]  # the first category lies at the bottom
        data = CategoryChartData(number_format="0.000")
        data.categories = list(rows["name"])
        data.add_series(self.title, [_known(value) for value in rows["mean"]])
        frame = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *box, data)
        chart = _plain(frame.chart, has_legend=False)
        reach = [0.0, *rows["low"], *rows["high"], *rows["mean"]]
        _axis(chart.value_axis, self.title, round_ends(reach))
        chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        chart.category_axis.format.line.color.rgb = _rgb(MUTED)
        plot = chart.plots[0]
        plot.gap_width = GAP_PERCENT
        series = plot.series[0]
        series.invert_if_negative = False
        for number, colour in enumerate(rows["colour"]):
            fill = series.points[number].format.fill
            fill.solid()
            fill.fore_color.rgb = _rgb(colour)
        _error_bars(series, rows["high"] - rows["mean"], rows["mean"] - rows["low"])
        return [frame]


@dataclass(frozen=True)
class Lines:
    """Mean curves, a chart for each kind; `rows` has method, curve, fraction and mean."""

    rows: pd.DataFrame
    titles: Mapping[str, str]
    title: str
    legend: str

    def place(self, slide: Any, box: Box) -> list[Any]:
        kinds = sorted(set(self.rows["curve"]), reverse=True)
        left, top, width, height = box
        width //= len(kinds)
        return [
            self._one(slide, kind, (left + n * width, top, width, height), len(kinds) > 1)
            for n, kind in enumerate(kinds)
        ]

    def _one(self, slide: Any, kind: str, box: Box, is_named: bool) -> Any:
        rows = self.rows[self.rows["curve"] == kind]
        data = XyChartData(number_format="0.000")
        for method, part in rows.groupby("method", sort=False):
            series = data.add_series(self.titles[str(method)])
            for x, y in zip(part["fraction"], part["mean"], strict=True):
                series.add_data_point(float(x), float(y))
        frame = slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, *box, data)
        chart = _plain(frame.chart)
        if is_named:
            chart.has_title = True
            chart.chart_title.text_frame.text = CURVE_NAMES.get(kind, kind)
            chart.chart_title.text_frame.paragraphs[0].font.size = Pt(POINTS)
        _axis(chart.value_axis, self.title)
        _axis(chart.category_axis, "share of pixels", (0.0, 1.0, 0.2))
        looks = looks_of(list(dict.fromkeys(rows["method"])))
        for series, (colour, dash, _) in zip(chart.series, looks.values(), strict=True):
            series.smooth = False
            _line(series, colour, dash)
        return frame


@dataclass(frozen=True)
class Points:
    """A point for each row with its interval upward; `points` as for `draw_points`.

    No intervals across and no lines over the plot: LibreOffice drops the former, and the points
    beside the latter.
    """

    points: pd.DataFrame
    titles: tuple[str, str]
    is_log: bool
    legend: str

    def place(self, slide: Any, box: Box) -> list[Any]:
        rows = self.points.to_dict("records")
        data = XyChartData(number_format="General")
        for row in rows:
            data.add_series(row["name"]).add_data_point(float(row["x"]), float(row["y"]))
        frame = slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *box, data)
        chart = _plain(frame.chart)
        chart.legend.font.size = Pt(SMALL_POINTS)
        reach = [value for row in rows for value in (row["y"], row["y_low"], row["y_high"])]
        _axis(chart.value_axis, self.titles[1], round_ends(reach))
        _axis(chart.category_axis, self.titles[0], is_log=self.is_log)
        looks = looks_of(list(self.points["name"]))
        for series, row in zip(chart.series, rows, strict=True):
            _mark(series, looks[row["name"]], bool(row["baseline"]))
            if np.isfinite(row["y_low"]) and np.isfinite(row["y_high"]):
                _error_bars(series, [row["y_high"] - row["y"]], [row["y"] - row["y_low"]], "y")
        return [frame]


Native = Bars | Lines | Points


def round_ends(values: Iterable[float]) -> tuple[float, float, float]:
    """Ends of an axis that hold all values, intervals too, and the step between its numbers."""
    known = [float(value) for value in values if np.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / STEPS))
    step = next(n * power for n in (1, 2, 5, 10) if n * power * STEPS >= span)
    first, last = math.floor(low / step + SLACK), math.ceil(high / step - SLACK)
    return round(first * step, 12), round(max(last, first + 1) * step, 12), round(step, 12)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _rgb(colour: str) -> RGBColor:
    return RGBColor.from_string(colour.removeprefix("#").upper())


def _plain(chart: Any, has_legend: bool = True) -> Any:
    chart.has_title = False
    chart.font.size = Pt(POINTS)
    chart.has_legend = has_legend
    if has_legend:
        chart.legend.position = XL_LEGEND_POSITION.BOTTOM
        chart.legend.include_in_layout = False
    return chart


def _axis(
    axis: Any, title: str, ends: tuple[float, float, float] | None = None, is_log: bool = False
) -> None:
    axis.has_title = True
    axis.axis_title.text_frame.text = title
    run = axis.axis_title.text_frame.paragraphs[0].runs[0]
    run.font.size, run.font.bold = Pt(POINTS), False
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = _rgb(GRID)
    axis.format.line.color.rgb = _rgb(MUTED)
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = "General", False
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    if ends:
        axis.minimum_scale, axis.maximum_scale, axis.major_unit = ends
    if is_log:
        scaling = axis._element.find(qn("c:scaling"))
        scaling.insert(0, scaling.makeelement(qn("c:logBase"), {"val": "10"}))


def _line(series: Any, colour: str, dash: str, points: float = 2.0) -> None:
    line = series.format.line
    line.color.rgb, line.width, line.dash_style = _rgb(colour), Pt(points), DASHES[dash]


def _mark(series: Any, look: tuple[str, str, str], is_null: bool) -> None:
    colour, _, marker = look
    series.format.line.fill.background()  # a lone point has no line
    series.marker.style, series.marker.size = MARKERS[marker], MARKER
    series.marker.format.line.color.rgb = _rgb(colour)
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.rgb = _rgb(MUTED if is_null else colour)


def _error_bars(
    series: Any, above: Iterable[float], below: Iterable[float], direction: str = ""
) -> None:
    """Intervals of a series; python-pptx has no call for them."""
    which = f'<c:errDir val="{direction}"/>' if direction else ""
    bars = parse_xml(
        f"<c:errBars {nsdecls('c', 'a')}>{which}"
        '<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="1"/>'
        f"<c:plus>{_literal(above)}</c:plus><c:minus>{_literal(below)}</c:minus>"
        f'<c:spPr><a:ln w="{Pt(1)}"><a:solidFill><a:srgbClr val="{_rgb(INK)}"/></a:solidFill>'
        "</a:ln></c:spPr></c:errBars>"
    )
    values = next(c for c in series._element if c.tag in (qn("c:cat"), qn("c:val"), qn("c:xVal")))
    values.addprevious(bars)  # the schema has them before the values


def _literal(lengths: Iterable[float]) -> str:
    """Lengths of error bars; a missing one has none."""
    known = [max(0.0, float(length)) for length in lengths]
    points = [
        f'<c:pt idx="{number}"><c:v>{length!r}</c:v></c:pt>'
        for number, length in enumerate(known)
        if np.isfinite(length)
    ]
    count = f'<c:ptCount val="{len(known)}"/>'
    return f"<c:numLit><c:formatCode>General</c:formatCode>{count}{''.join(points)}</c:numLit>"
