"""Curve charts: mean curves of methods with their bands, each named at its end."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from drawing.charts import palette, wrapped
from drawing.name_tags import spread
from xai_core.findings.wording import CURVE_NAMES

BESIDE = 1.04
"""Where the marks of names stand, beyond the ends of curves: no point of a curve lies there."""
LETTER_PX, CURVES_PX, NAME_GAP_PX = 7.0, 440, 17


def draw_curves(
    rows: pd.DataFrame, names: Mapping[str, str], title: str, across: str = "share of pixels"
) -> go.Figure:
    """Mean curves with their bands, named at their ends; a second kind of curve is dashed.

    `rows` has method, curve, fraction, mean, low, high; `across` names the fraction.
    """
    chart = go.Figure()
    kinds = sorted(set(rows["curve"]), reverse=True)
    dashes = dict(zip(kinds, ("dash", "solid") if len(kinds) > 1 else ("solid",), strict=False))
    colours = palette(list(dict.fromkeys(rows["method"])))
    for (method, curve), part in rows.groupby(["method", "curve"], sort=False):
        which = f", {CURVE_NAMES.get(str(curve), curve)}" if len(kinds) > 1 else ""
        name = f"{names[str(method)]}{which}"
        _draw_curve(chart, part, name, colours[str(method)], dashes[curve])
    chart.update_xaxes(title={"text": across}, tickformat=".0%", range=[0, BESIDE])
    chart.update_yaxes(title={"text": wrapped(title)}, rangemode="tozero")
    right = _name_ends(chart, rows[rows["curve"] == kinds[0]], names, colours) if kinds else 10
    chart.update_layout(
        height=CURVES_PX, margin={"l": 10, "r": right, "t": 10, "b": 10}, hovermode="x",
        showlegend=len(kinds) > 1, legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
    )  # fmt: skip
    return chart


def _draw_curve(chart: go.Figure, part: pd.DataFrame, name: str, colour: str, dash: str) -> None:
    ends = list(part["fraction"]) + list(part["fraction"])[::-1]
    chart.add_scatter(
        x=ends, y=list(part["high"]) + list(part["low"])[::-1], mode="lines", fill="toself",
        fillcolor=_faint(colour), line={"width": 0}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    chart.add_scatter(
        x=part["fraction"], y=part["mean"], name=name, mode="lines",
        line={"color": colour, "width": 2.5, "dash": dash}, hovertemplate="%{x:.0%}: %{y:.3f}",
    )  # fmt: skip


def _name_ends(
    chart: go.Figure, rows: pd.DataFrame, names: Mapping[str, str], colours: Mapping[str, str]
) -> int:
    """Names at the right of the plot, in the order of the lines where they part; their width."""
    late = rows[rows["fraction"] >= min(0.6, rows["fraction"].max())].groupby("fraction")["mean"]
    parted = (late.max() - late.min()).iloc[::-1].idxmax()  # the last of equals
    heights = rows[rows["fraction"] == parted].groupby("method", sort=False)["mean"].mean()
    low, high = min(0.0, float(rows["low"].min())), float(rows["high"].max())
    gap = NAME_GAP_PX / (0.8 * CURVES_PX) * (high - low or 1.0)
    labels = [str(names[str(method)]) for method in heights.index]
    chart.add_scatter(
        x=[BESIDE] * len(labels), y=spread(list(heights), gap, low, high), mode="markers+text",
        text=labels, textposition="middle right", textfont={"size": 12}, cliponaxis=False,
        marker={"size": 8, "symbol": "square", "color": [colours[str(m)] for m in heights.index]},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return round(20 + LETTER_PX * max(map(len, labels)))


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"
