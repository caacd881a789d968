"""Mistake charts: how often classes are confused, and how sure the model is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from drawing.charts import ACCENT, DIVERGING, MUTED


def draw_confusion(counts: npt.NDArray[np.int64], names: Sequence[str]) -> go.Figure:
    """How often each class (row) was predicted as each (column); mistakes in red, hits in blue."""
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    # hits are drawn paler than mistakes, so that their number can be read; and a single mistake
    # among many hits is seen
    signed = np.where(np.eye(len(names), dtype=bool), -0.6 * shares, shares**0.5)
    chart = go.Figure(
        go.Heatmap(
            z=signed,
            x=list(names),
            y=list(names),
            text=np.where(counts > 0, counts.astype(str), ""),
            texttemplate="%{text}",
            zmin=-1,
            zmax=1,
            colorscale=DIVERGING,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverinfo="skip",
        )
    )
    # a heat map cannot be clicked on: invisible markers can, as long as they answer the mouse
    rows, columns = np.indices(counts.shape)
    chart.add_trace(
        go.Scatter(
            x=[names[int(column)] for column in columns.ravel()],
            y=[names[int(row)] for row in rows.ravel()],
            mode="markers",
            marker={"size": 26, "symbol": "square", "opacity": 0},
            text=[str(count) for count in counts.ravel()],
            hovertemplate="%{y} → %{x}: %{text}<extra></extra>",
            showlegend=False,
        )
    )
    chart.update_yaxes(autorange="reversed", title={"text": "true class"}, ticks="", showgrid=False)
    chart.update_xaxes(title={"text": "predicted"}, tickangle=-45, ticks="", side="bottom")
    height = 150 + 32 * len(names)
    chart.update_layout(height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return chart


def draw_calibration(bins: pd.DataFrame, error: float | None) -> go.Figure:
    """Accuracy against probability; on the diagonal a model knows how sure it may be.

    Bins of few images are hollow; a line joins only neighbours that both have enough.
    """
    chart = go.Figure(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": MUTED, "dash": "dash"})
    )
    largest = bins["n"].max()
    gaps = bins.set_index("bin").reindex(range(bins["bin"].max() + 1)).reset_index()
    enough = gaps["enough"].eq(True)
    kinds = (
        (gaps.where(enough), "lines+markers", "circle", ACCENT),
        (bins[~bins["enough"]], "markers", "circle-open", MUTED),
    )
    for part, mode, symbol, colour in kinds:
        chart.add_trace(
            go.Scatter(
                x=part["probability"],
                y=part["accuracy"],
                mode=mode if error is not None else "markers",
                marker={
                    "size": 6 + 18 * (part["n"].fillna(0) / largest) ** 0.5,
                    "color": colour,
                    "symbol": symbol,
                },
                line={"color": colour},
                customdata=part[["n"]],
                hovertemplate="sure to %{x:.0%}, right in %{y:.0%} of %{customdata[0]}"
                "<extra></extra>",
            )
        )
    told = "too few images for a calibration error"
    if error is not None:
        told = f"calibration error {error:.3f}"
    title = f"probability of the predicted class<br>({told})"
    chart.update_xaxes(title={"text": title}, range=[0, 1.04], tickformat=".0%")
    chart.update_yaxes(title={"text": "share that is right"}, range=[-0.06, 1.06], tickformat=".0%")
    chart.update_layout(height=420, margin={"l": 10, "r": 10, "t": 10, "b": 10}, showlegend=False)
    return chart
