"""Convergence: what the number of samples does to the maps of LIME and KernelSHAP."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from drawing.charts import ABOVE, COLOURS

EXPLANATION = (
    "Two seeds draw other samples, so their maps differ. Points: rank correlation between the maps "
    "of seed 0 and seed 1 for the predicted class, mean over the images; thin lines: single "
    "images; dashed: the default number of samples. Below about 0.9, ranks of methods built on "
    "such maps mean little."
)


def draw_convergence(measured: dict[str, Any]) -> go.Figure:
    """Agreement of two seeds over the number of samples: a line per method, thin per image."""
    rows, chart = pd.DataFrame(measured["rows"]), go.Figure()
    for colour, (method, of_method) in zip(
        COLOURS, rows.groupby("method", sort=False), strict=False
    ):
        for _, of_image in of_method.groupby("image"):
            chart.add_scatter(
                x=of_image["samples"], y=of_image["agreement"], mode="lines", opacity=0.3,
                line={"width": 1, "color": colour}, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        means = of_method.groupby("samples")["agreement"].mean()
        chart.add_scatter(
            x=means.index, y=means, mode="lines+markers", name=of_method["title"].iloc[0],
            line={"width": 3, "color": colour}, marker={"size": 8},
            hovertemplate="%{x} samples: %{y:.3f}<extra></extra>",
        )  # fmt: skip
        chart.add_vline(
            x=measured["default"][method], line_width=1, line_dash="dash", line_color=colour
        )
    counts = sorted(rows["samples"].unique())
    chart.update_xaxes(
        title="samples", type="log", tickvals=counts, ticktext=[f"{count:,}" for count in counts]
    )
    chart.update_yaxes(title="rank correlation between two seeds", range=[0, 1.02])
    chart.update_layout(
        title=f"Two seeds, {rows['image'].nunique()} images, {measured['classifier']['name']}",
        height=440, margin={"l": 10, "r": 10, "t": 70, "b": 10}, legend=ABOVE,
    )  # fmt: skip
    return chart


def summary(measured: dict[str, Any]) -> str:
    """What the plot shows, in one sentence per method."""
    rows = pd.DataFrame(measured["rows"])
    said = [f"Model {measured['classifier']['name']}, n = {rows['image'].nunique()} images."]
    for method, of_method in rows.groupby("method", sort=False):
        means = of_method.groupby("samples")["agreement"].mean()
        count = int(means.index.max())
        said.append(
            f"{of_method['title'].iloc[0]}: {means.iloc[0]:.2f} with {int(means.index[0]):,} "
            f"samples, {means.loc[count]:.2f} with {count:,}; the default is "
            f"{measured['default'][str(method)]:,}."
        )
    return " ".join(said)
