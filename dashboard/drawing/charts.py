"""Charts: numbers -> plotly figures; no Streamlit here."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from drawing.name_tags import PLOT_PX, place_names
from xai_core.evaluation.lead import ALPHA

if TYPE_CHECKING:
    from xai_core.evaluation.statistics import Friedman

COLOURS = (
    "#1a6fc4", "#c8401c", "#2e7d32", "#9354b8", "#b07a00",
    "#00838f", "#d81b60", "#8d6e63", "#546e7a", "#827717",
)  # fmt: skip
"""All with a contrast of 3 at least to the page, light or dark."""
ACCENT, WARM, MUTED, TRUE = "#1a6fc4", "#c8401c", "#8a8a8a", "#2b8a3e"
SPEED_HEIGHT_PX = 520
CELL_TEXT_PX = 10
"""Left to itself the browser shrinks the numbers of a matrix below what can be read."""
MOST_SLANTED = 8
"""Columns of a matrix whose names have room to slant on a phone."""
TIMES = {1e-4: "0.1 ms", 1e-3: "1 ms", 1e-2: "10 ms", 0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s",
         100.0: "100 s", 1000.0: "1000 s"}  # fmt: skip
DIVERGING = [
    [0.0, "rgba(47,128,214,0.75)"], [0.5, "rgba(138,138,138,0.08)"], [1.0, "rgba(208,72,34,0.8)"]
]  # fmt: skip
"""Nothing is the page itself, light or dark; numbers in the page's ink are legible at both ends."""
RISING = [[0.0, "rgba(224,118,44,0.06)"], [1.0, "rgba(224,118,44,0.8)"]]
COLOURS_SAY: dict[int, str] = {-1: "blue: -1, pale: 0, red: 1", 0: "pale: 0, orange: 1"}
TITLE_LETTERS = 44
NAME_LETTERS, TWO_LINES_PX, HALF_TITLE_LETTERS = 27, 33, 28
"""What a phone shows whole beside a plot and, under the half that names leave, below it."""
ABOVE = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}
"""Where a legend stands: above the plot, so that a phone has its whole width."""


def draw_gains(table: pd.DataFrame, names: Sequence[str], better: str, worse: str) -> go.Figure:
    """Mean gains with their intervals, in standard deviations of the paired difference.

    Grey where Holm's p leaves it open which is better, as the sentences above the chart do.
    """
    deviation = table["deviation"].where(table["deviation"] > 0, 1.0)
    scaled = table[["gain", "low", "high"]].div(deviation, axis=0)
    colours = [
        MUTED if p >= ALPHA else WARM if gain > 0 else ACCENT
        for p, gain in zip(table["p_holm"], table["gain"], strict=True)
    ]
    chart = go.Figure(
        go.Scatter(
            x=scaled["gain"],
            y=[in_lines(name) for name in names],
            mode="markers",
            marker={"size": 11, "color": colours},
            error_x=reach(scaled, "gain", MUTED),
            customdata=table[["gain", "low", "high", "n"]],
            hovertemplate="%{y}: %{customdata[0]:.3f} (%{customdata[1]:.3f} to "
            "%{customdata[2]:.3f}), n = %{customdata[3]}<extra></extra>",
        )
    )
    chart.add_vline(x=0, line_width=1, line_color=MUTED)
    chart.update_yaxes(autorange="reversed", ticks="")
    title = f"← {worse} better · {better} better →<br>gain in standard deviations"
    chart.update_xaxes(title={"text": title, "font": {"size": 12}}, zeroline=False)
    height = 120 + row_px(names, 30) * len(table)
    chart.update_layout(height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return chart


def in_lines(name: str) -> str:
    """A method's name beside its row: in two lines where one would leave a phone no plot."""
    return wrapped(name, NAME_LETTERS)


def row_px(names: Sequence[str], least: int) -> int:
    """The height of a row: `least`, and more where a name takes two lines."""
    is_long = any(len(name) > NAME_LETTERS for name in names)
    return max(least, TWO_LINES_PX) if is_long else least


def wrapped(title: str, letters: int = TITLE_LETTERS) -> str:
    """A title in lines that a phone shows whole."""
    whole = re.sub(" ([↑↓])", "\u00a0\\1", title)  # an arrow alone on a line says nothing
    return "<br>".join(textwrap.wrap(whole, letters)).replace("\u00a0", " ")


def reach(
    rows: pd.DataFrame, middle: str, colour: str, side: str = "", thickness: int = 2
) -> dict[str, object]:
    """Plotly's error bars around the column `middle`, from `low` to `high` (of that `side`)."""
    return {
        "type": "data",
        "symmetric": False,
        "array": rows[f"high{side}"] - rows[f"{middle}{side}"],
        "arrayminus": rows[f"{middle}{side}"] - rows[f"low{side}"],
        "thickness": thickness,
        "width": 0,
        "color": colour,
    }


def draw_intervals(rows: pd.DataFrame, floor: float | None, title: str) -> go.Figure:
    """Means with their 95 % intervals, best on top; `floor` is the best null baseline's mean.

    `rows` has name, mean, low, high, n, baseline (bool).
    """
    chart = go.Figure()
    kinds = ((False, ACCENT, "circle", "methods"), (True, MUTED, "circle-open", "null baselines"))
    for baseline, colour, symbol, name in kinds:
        part = rows[rows["baseline"] == baseline]
        chart.add_trace(
            go.Scatter(
                x=part["mean"],
                y=[in_lines(method) for method in part["name"]],
                name=name,
                mode="markers",
                marker={"size": 9, "color": colour, "symbol": symbol},
                error_x=reach(part, "mean", colour),
                customdata=part[["low", "high", "n"]],
                hovertemplate="%{y}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f}), "
                "n = %{customdata[2]}<extra></extra>",
            )
        )
    if floor is not None:
        chart.add_vline(x=floor, line_width=1, line_dash="dash", line_color=MUTED)
    names = list(rows["name"])
    order = [in_lines(name) for name in names[::-1]]
    chart.update_yaxes(categoryorder="array", categoryarray=order, ticks="", tickfont_size=12)
    title = wrapped(title, HALF_TITLE_LETTERS)
    chart.update_xaxes(title={"text": title, "font": {"size": 12}}, zeroline=False)
    chart.update_layout(
        height=120 + row_px(names, 21) * len(names),
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend=ABOVE,
    )
    return chart


def draw_critical_differences(
    test: Friedman, titles: Mapping[str, str], baselines: Collection[str]
) -> go.Figure:
    """Mean ranks on a line, the best on top; bars join methods that are not told apart.

    `titles` names the methods; those whose title is in `baselines` are drawn as such.
    """
    ranks = test.mean_ranks.sort_values()
    names = [titles[method] for method in ranks.index]
    rows = {method: len(names) - place for place, method in enumerate(ranks.index)}
    chart = go.Figure()
    span = ranks.max() - ranks.min()
    bars_at, apart = ranks.max() + 0.04 * (span + 1), max(0.35, 0.035 * span)
    for number, group in enumerate(test.groups):
        place = bars_at + apart * (number % 8)
        told = ", ".join(titles[method] for method in group)
        chart.add_trace(
            go.Scatter(
                x=[place, place],
                y=[rows[group[0]] + 0.3, rows[group[-1]] - 0.3],
                mode="lines",
                line={"width": 4, "color": MUTED},
                hovertemplate=f"not told apart: {told}<extra></extra>",
                showlegend=False,
            )
        )
    is_null = [name in baselines for name in names]
    chart.add_trace(
        go.Scatter(
            x=ranks.tolist(),
            y=list(rows.values()),
            mode="markers",
            marker={
                "size": 9,
                "color": [MUTED if null else ACCENT for null in is_null],
                "symbol": ["circle-open" if null else "circle" for null in is_null],
            },
            customdata=names,
            hovertemplate="%{customdata}: mean rank %{x:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    chart.update_yaxes(
        tickvals=list(rows.values()), ticktext=[in_lines(name) for name in names], ticks="",
        showgrid=True, tickfont_size=12,
    )  # fmt: skip
    title = f"mean rank (1 is best)<br>critical difference {test.critical_difference:.2f}"
    ends = [ranks.min() - 0.5, bars_at + apart * min(8, len(test.groups)) + 0.2]
    chart.update_xaxes(title={"text": title, "font": {"size": 12}}, zeroline=False, range=ends)
    height = 120 + row_px(names, 21) * len(names)
    chart.update_layout(height=height, margin={"l": 10, "r": 10, "t": 30, "b": 10})
    return chart


def draw_wins(pairs: pd.DataFrame, names: Mapping[str, str], order: Sequence[str]) -> go.Figure:
    """Share of images on which the row beats the column; dots where Holm's p is below 0.05."""
    place = {method: number for number, method in enumerate(order)}
    share = np.full((len(order), len(order)), np.nan)
    text = np.full(share.shape, "", dtype=object)
    for pair in pairs.to_dict("records"):
        row, column = place[pair["first"]], place[pair["second"]]
        played = max(1, pair["n"])
        share[row, column], share[column, row] = pair["wins"] / played, pair["losses"] / played
        if pair["p_holm"] < 0.05:
            text[row, column] = text[column, row] = "•"
    labels = [in_lines(names[method]) for method in order]
    chart = go.Figure(
        go.Heatmap(
            z=share,
            x=labels,
            y=labels,
            text=text,
            texttemplate="%{text}",
            zmin=0,
            zmax=1,
            colorscale=DIVERGING,
            colorbar={
                "title": {"text": "share won", "side": "top"},
                "tickformat": ".0%",
                "thickness": 12,
                "orientation": "h",
                "y": 1.0,
                "yanchor": "bottom",
                "dtick": 0.5,
            },
            hovertemplate="%{y} beats %{x} on %{z:.0%} of the images<extra></extra>",
        )
    )
    chart.update_yaxes(autorange="reversed", ticks="", tickfont_size=11, showgrid=False)
    chart.update_xaxes(tickangle=-45, ticks="", tickfont_size=11)
    height = 270 + row_px([names[m] for m in order], 22) * len(order)
    chart.update_layout(height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return chart


def palette(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method; ten colours that also differ in lightness, then again."""
    return {method: COLOURS[number % len(COLOURS)] for number, method in enumerate(methods)}


def draw_concordance(rows: pd.DataFrame, names: Sequence[str], title: str) -> go.Figure:
    """Kendall's W of each metric with its interval; `rows` has w, low, high, n."""
    chart = go.Figure(
        go.Scatter(
            x=rows["w"],
            y=list(names),
            mode="markers",
            marker={"size": 10, "color": ACCENT},
            error_x=reach(rows, "w", ACCENT),
            customdata=rows[["low", "high", "n"]],
            hovertemplate="%{y}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f}), "
            "n = %{customdata[2]}<extra></extra>",
        )
    )
    chart.update_yaxes(autorange="reversed", ticks="", tickfont_size=12)
    chart.update_xaxes(title={"text": title, "font": {"size": 12}}, range=[0, 1], zeroline=False)
    chart.update_layout(height=110 + 28 * len(rows), margin={"l": 10, "r": 10, "t": 10, "b": 10})
    return chart


def draw_speed(rows: pd.DataFrame, title: str) -> go.Figure:
    """Seconds per image (log) against the mean of one metric; rows as in `draw_intervals`.

    Where names would cover one another, some are left out; the mouse tells them.
    """
    chart = go.Figure()
    seconds = np.log10(rows["seconds"])
    ends = seconds.min() - 0.4, seconds.max() + 0.4
    spots = place_names(seconds, rows["mean"], rows["name"], PLOT_PX, (ends, None))
    rows = rows.assign(spot=spots, shown=[name if spot else "" for name, spot in
                                          zip(rows["name"], spots, strict=True)])  # fmt: skip
    colours = palette(list(dict.fromkeys(rows["family"])))
    for family, part in rows.groupby("family", sort=False):
        chart.add_trace(
            go.Scatter(
                x=part["seconds"],
                y=part["mean"],
                name="null baseline" if family == "baseline" else str(family),
                mode="markers+text",
                text=part["shown"],
                textposition=[spot or "top center" for spot in part["spot"]],
                textfont={"size": 11},
                cliponaxis=False,
                marker={"size": 10, "color": colours[str(family)]},
                customdata=part["name"],
                hovertemplate="%{customdata}: %{x:.3g} s, %{y:.3f}<extra></extra>",
            )
        )
    chart.update_xaxes(
        type="log", title={"text": "time per image (log)"}, range=list(ends), tickangle=0,
        tickvals=list(TIMES), ticktext=list(TIMES.values()),
    )  # fmt: skip
    chart.update_yaxes(title={"text": title})
    margin = {"l": 10, "r": 10, "t": 30, "b": 10}
    chart.update_layout(height=SPEED_HEIGHT_PX, margin=margin, legend=ABOVE)
    return chart


def draw_matrix(
    values: npt.NDArray[np.float64],
    names: Sequence[str],
    low: Literal[-1, 0],
    title: str,
    intervals: npt.NDArray[np.float64] | None = None,
) -> go.Figure:
    """A square of pairwise values, written into its cells; the mouse tells their intervals.

    `low` is what the bluest cell stands for, or the palest. A phone has no room for the numbers, so
    what colours mean is told in words.
    """
    spread = "" if intervals is None else " (%{customdata[0]:.2f} to %{customdata[1]:.2f})"
    text = [["–" if v != v else f"{v:z.2f}" for v in row] for row in values]
    labels = [in_lines(name) for name in names]
    chart = go.Figure(
        go.Heatmap(
            z=values,
            x=list(names),
            y=labels,
            text=text,
            texttemplate="%{text}",
            textfont={"size": CELL_TEXT_PX},
            zmin=low,
            zmax=1,
            colorscale=DIVERGING if low < 0 else RISING,
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=intervals,
            hovertemplate=f"%{{y}} and %{{x}}: %{{text}}{spread}<extra></extra>",
        )
    )
    chart.update_yaxes(autorange="reversed", constrain="domain", ticks="", showgrid=False)
    angle = -90 if len(names) > MOST_SLANTED else -35  # all have a label, on a phone, too
    chart.update_xaxes(constrain="domain", tickangle=angle, ticks="", dtick=1)
    height = 190 + 34 * len(names)
    chart.update_layout(
        title={"text": title, "font": {"size": 15}, "subtitle": {"text": COLOURS_SAY[low]}},
        height=height,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
    )
    return chart
