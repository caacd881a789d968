"""Seeds chart: the agreement of two seeds as lines; plotly loads only where it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from drawing.charts import ABOVE, palette


def draw_seeds(points: Mapping[str, Mapping[int, float]], counts: Sequence[int]) -> go.Figure:
    """Agreement of two seeds over the number of samples, one line per method."""
    colours = palette(list(points))
    chart = go.Figure()
    for name, values in points.items():
        chart.add_trace(
            go.Scatter(
                x=list(values),
                y=list(values.values()),
                name=name,
                mode="lines+markers",
                line={"color": colours[name], "width": 2},
                hovertemplate="%{x} samples: %{y:.3f}<extra>" + name + "</extra>",
            )
        )
    chart.update_xaxes(title="samples", type="log", tickvals=list(counts), ticktext=list(counts))
    chart.update_yaxes(title="rank correlation of two seeds", range=[-0.2, 1.02])
    chart.update_layout(
        height=360,
        showlegend=True,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend=ABOVE,
    )
    return chart
