"""Rank charts: methods over groups of metrics, over two aims and over classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from drawing.charts import ABOVE, ACCENT, MUTED, WARM, in_lines, palette, row_px, wrapped
from drawing.name_tags import PLOT_PX, place_names

AIMS_HEIGHT_PX = 520
GROUP_PX = 40
RANKED = [[0.0, "rgba(47,128,214,0.75)"], [1.0, "rgba(138,138,138,0.06)"]]
_MARGIN = {"l": 10, "r": 10, "t": 30, "b": 10}


def draw_ranks(ranks: pd.DataFrame, names: Sequence[str], groups: Sequence[str]) -> go.Figure:
    """Methods x metrics: the rank of each mean; `groups` names each column's group, in order."""
    values = ranks.to_numpy(dtype=float)
    columns, rows = list(ranks.columns), list(range(len(names)))
    chart = go.Figure(
        go.Heatmap(
            z=values, x=columns, y=rows, zmin=1, zmax=float(np.nanmax(values)),
            text=[["–" if v != v else f"{v:g}" for v in row] for row in values],
            customdata=[[name] * len(columns) for name in names],
            texttemplate="%{text}", colorscale=RANKED, showscale=False, xgap=2, ygap=2,
            hovertemplate="%{customdata}, %{x}: rank %{text}<extra></extra>",
        )
    )  # fmt: skip
    firsts = [n for n in range(len(columns)) if n == 0 or groups[n] != groups[n - 1]]
    chart.add_scatter(
        x=[columns[n] for n in firsts], y=[-1] * len(firsts), mode="text",
        text=[groups[n] for n in firsts], textposition="middle right", cliponaxis=False,
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for place in firsts[1:]:
        chart.add_vline(x=place - 0.5, line_width=1.5, line_color=MUTED)
    chart.update_yaxes(  # by number: a row of names alone would push the numbers off their cells
        tickvals=rows, ticktext=[in_lines(name) for name in names], ticks="", showgrid=False,
        range=[len(rows) - 0.5, -1.5], tickfont_size=12, zeroline=False,
    )  # fmt: skip
    chart.update_xaxes(tickangle=-45, ticks="", tickfont_size=12)
    margin = {**_MARGIN, "r": GROUP_PX}
    chart.update_layout(height=200 + row_px(names, 24) * len(names), margin=margin)
    return chart


def draw_aims(
    rows: pd.DataFrame, titles: tuple[str, str], floors: tuple[float | None, float | None]
) -> go.Figure:
    """Two metrics against each other, a dot per method; the cross-hair: the best null baselines.

    `rows` has name, x, y and baseline (bool); `titles` and `floors` of the two metrics.
    """
    spots = place_names(rows["x"], rows["y"], rows["name"], PLOT_PX)
    rows = rows.assign(spot=spots)
    chart = go.Figure()
    kinds = ((False, ACCENT, "circle", "methods"), (True, MUTED, "circle-open", "null baselines"))
    for baseline, colour, symbol, title in kinds:
        part = rows[rows["baseline"] == baseline]
        chart.add_scatter(
            x=part["x"], y=part["y"], name=title, mode="markers+text",
            text=[n if s else "" for n, s in zip(part["name"], part["spot"], strict=True)],
            textposition=[spot or "top center" for spot in part["spot"]], textfont={"size": 11},
            marker={"size": 10, "color": colour, "symbol": symbol}, customdata=part["name"],
            hovertemplate="%{customdata}: %{x:.3f}, %{y:.3f}<extra></extra>", cliponaxis=False,
        )  # fmt: skip
    if floors[0] is not None:
        chart.add_vline(x=floors[0], line_width=1, line_dash="dash", line_color=MUTED)
    if floors[1] is not None:
        chart.add_hline(y=floors[1], line_width=1, line_dash="dash", line_color=MUTED)
    chart.update_xaxes(title={"text": wrapped(titles[0])}, zeroline=False)
    chart.update_yaxes(title={"text": wrapped(titles[1])}, zeroline=False)
    chart.update_layout(height=AIMS_HEIGHT_PX, margin=_MARGIN, legend=ABOVE)
    return chart


def draw_classes(means: pd.DataFrame, names: Mapping[str, str], title: str) -> go.Figure:
    """A row per class, a dot per method: its mean over the images of the class.

    `means` has class, method, mean and n, the classes in order.
    """
    colours = palette(list(dict.fromkeys(means["method"])))
    chart = go.Figure()
    for method, part in means.groupby("method", sort=False):
        chart.add_scatter(
            x=part["mean"], y=part["class"], name=names[str(method)], mode="markers",
            marker={"size": 10, "color": colours[str(method)]}, customdata=part[["n"]],
            hovertemplate="%{y}: %{x:.3f}, n = %{customdata[0]}",
        )  # fmt: skip
    classes = list(dict.fromkeys(means["class"]))
    chart.update_yaxes(categoryorder="array", categoryarray=classes[::-1], ticks="")
    chart.update_xaxes(title={"text": wrapped(title)}, zeroline=False)
    chart.update_layout(height=130 + 26 * len(classes), margin=_MARGIN, legend=ABOVE)
    return chart


def draw_power(table: pd.DataFrame) -> go.Figure:
    """Share of the pairs of methods told apart, per metric; with and without null baselines.

    `table` has title, share, pairs, apart, images, needed and nulls (bool).
    """
    chart = go.Figure()
    own = table[~table["nulls"]]
    needs = {
        title: f"{title}<br>n = {images}" + ("" if needed is None else f", needs {needed:,}")
        for title, images, needed in zip(own["title"], own["images"], own["needed"], strict=True)
    }
    kinds = ((False, ACCENT, "without null baselines"), (True, MUTED, "with null baselines"))
    for with_nulls, colour, title in kinds:
        part = table[table["nulls"] == with_nulls]
        named = [needs[name] for name in part["title"]]
        chart.add_bar(
            y=named, x=part["share"], name=title, orientation="h", marker_color=colour,
            customdata=part[["apart", "pairs", "images"]],
            hovertemplate="%{y}: %{customdata[0]} of %{customdata[1]} pairs on "
            "n = %{customdata[2]}<extra></extra>",
        )  # fmt: skip
    chart.add_vline(x=0.5, line_width=1, line_dash="dash", line_color=WARM)
    chart.update_xaxes(
        title={"text": wrapped("pairs of methods told apart")}, range=[0, 1], tickformat=".0%"
    )
    chart.update_yaxes(autorange="reversed", ticks="")
    chart.update_layout(
        barmode="group", height=130 + 38 * len(own), margin=_MARGIN,
        legend=ABOVE,
    )  # fmt: skip
    return chart
