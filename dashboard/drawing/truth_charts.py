"""Truth charts: ground-truth numbers -> plotly figures; no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from drawing.charts import ABOVE, ACCENT, COLOURS, MUTED, WARM, in_lines, reach
from xai_core.evaluation.lead import ALPHA

_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}


def draw_trust(trusted: pd.DataFrame, names: Mapping[str, str]) -> go.Figure:
    """Kendall's tau-b of each metric with the known truth, with its interval over methods."""
    sure = trusted["p_holm"] < ALPHA
    colours = [
        MUTED if not known else ACCENT if tau > 0 else WARM
        for known, tau in zip(sure, trusted["tau"], strict=True)
    ]
    chart = go.Figure(
        go.Scatter(
            x=trusted["tau"],
            y=[names.get(metric, metric) for metric in trusted["metric"]],
            mode="markers",
            marker={"size": 10, "color": colours},
            error_x=reach(trusted, "tau", MUTED),
            customdata=trusted[["low", "high", "p_holm", "methods"]],
            hovertemplate="%{y}: %{x:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f}), "
            "p (Holm) = %{customdata[2]:.2g}, %{customdata[3]} methods<extra></extra>",
        )
    )
    chart.add_vline(x=0, line_width=1, line_color=MUTED)
    chart.update_yaxes(autorange="reversed", ticks="", tickfont_size=12)
    chart.update_xaxes(
        title={"text": "Kendall's τ-b with the known truth", "font": {"size": 12}},
        range=[-1.05, 1.05],
        zeroline=False,
    )
    chart.update_layout(height=110 + 24 * len(trusted), margin=_MARGIN)
    return chart


def draw_shares(table: pd.DataFrame) -> go.Figure:
    """Share of the attribution on the sticker for both models; one row per method.

    `table` has name, auroc, shortcut and control per image, methods in order.
    """
    chart = go.Figure()
    kinds = (
        ("shortcut", "model that uses the sticker", WARM),
        ("control", "control that cannot use it", ACCENT),
    )
    labels = {
        name: f"{in_lines(name)}<br>AUROC {auroc:.2f}"
        for name, auroc in zip(table["name"], table["auroc"], strict=True)
    }
    for column, title, colour in kinds:
        chart.add_trace(
            go.Box(
                x=table[column],
                y=[labels[name] for name in table["name"]],
                name=title,
                orientation="h",
                boxpoints="outliers",
                marker={"color": colour, "size": 3},
                line={"width": 1.5},
            )
        )
    chart.update_yaxes(autorange="reversed", ticks="", tickfont_size=12)
    title = "share of the positive<br>attribution on the sticker"
    chart.update_xaxes(title={"text": title, "font": {"size": 12}}, rangemode="tozero", nticks=5)
    chart.update_layout(
        boxmode="group",
        height=140 + 46 * len(labels),
        margin=_MARGIN,
        legend=ABOVE,
    )
    return chart


def draw_declines(declines: Sequence[Mapping[str, Any]], metric: str, title: str) -> go.Figure:
    """One metric's mean score while a good map gets worse, by the way it does."""
    chart = go.Figure()
    for row in declines:
        if row["metric"] == metric:
            order = (
                "not defined" if row["in_order"] != row["in_order"] else f"{row['in_order']:.2f}"
            )
            chart.add_trace(
                go.Scatter(
                    x=list(range(len(row["means"]))),
                    y=row["means"],
                    name=f"{row['way']} (order {order})",
                    mode="lines+markers",
                    line={"color": COLOURS[len(chart.data)]},
                    customdata=row["amounts"],
                    hovertemplate="amount %{customdata}: %{y:.3f}<extra></extra>",
                )
            )
    chart.update_xaxes(
        title={"text": "step (0: the good map)", "font": {"size": 12}}, dtick=1, zeroline=False
    )
    chart.update_yaxes(title={"text": title, "font": {"size": 12}}, zeroline=False)
    chart.update_layout(
        height=340,
        margin=_MARGIN,
        legend=ABOVE,
    )
    return chart


def draw_parts(page: Mapping[str, Any], methods: Sequence[str]) -> go.Figure:
    """What each part means to the model, beside the share of attribution each method puts there.

    Importances are divided by the largest (absolute) one.
    """
    units = sorted(page["units"], key=lambda unit: -unit["importance"])
    largest = max((abs(unit["importance"]) for unit in units), default=1.0) or 1.0
    names = [unit["name"].split(".", 1)[-1] if "distractor" not in unit["name"] else unit["name"]
             for unit in units]  # fmt: skip
    chart = go.Figure(
        go.Bar(
            y=names,
            x=[unit["importance"] / largest for unit in units],
            name="importance to the model",
            orientation="h",
            marker_color=MUTED,
            customdata=[unit["importance"] for unit in units],
            hovertemplate="%{y}: the logit loses %{customdata:.2f}<extra></extra>",
        )
    )
    for method, colour in zip(methods, COLOURS, strict=False):
        chart.add_trace(
            go.Bar(
                y=names,
                x=[unit["sums"].get(method) for unit in units],
                name=page["methods"].get(method, method),
                orientation="h",
                marker_color=colour,
                hovertemplate="%{y}: %{x:.1%} of the attribution<extra></extra>",
            )
        )
    chart.update_yaxes(autorange="reversed", ticks="", tickfont_size=12)
    text = "importance (of the largest) and<br>share of the positive attribution"
    chart.update_xaxes(title={"text": text, "font": {"size": 12}})
    chart.update_layout(
        height=130 + (18 + 12 * len(methods)) * len(units),
        margin=_MARGIN,
        barmode="group",
        legend=ABOVE,
    )
    return chart
