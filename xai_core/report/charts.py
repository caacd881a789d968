"""Charts: the numbers of a run drawn by matplotlib; each fills the figure that it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter

from xai_core.evaluation.lead import ALPHA
from xai_core.evaluation.statistics import Friedman
from xai_core.findings.wording import CURVE_NAMES
from xai_core.report.style import (
    CM_PER_INCH,
    COLOURS,
    DASHES,
    INK,
    LETTER,
    MARKERS,
    MUTED,
    Width,
    wrapped,
)

BARS = 8
"""Bars of methods that are not told apart lie in so many columns at most."""
NAMES_SHARE, LABEL_SHARE, LEGEND_NAME_CM, MARK_EM = 0.4, 0.55, 3.3, 3.4
"""Of a width: names beside the axes, labels below; a name in a legend, and the mark before it."""
ROW_CM, MORE_CM, LINE_CM, PLOT_CM, MOST_COLUMNS = 0.42, 0.2, 0.28, 5.5, 4

SIDES_IN_A_LINE = 30


def named_rows(names: Sequence[str], width: Width) -> list[str]:
    """Names beside the rows of a chart, broken where they would leave it no room."""
    return [wrapped(name, width.cm * NAMES_SHARE, width.points) for name in names]


def rows_cm(names: Sequence[str], width: Width) -> float:
    """The height that rows of these names need."""
    lines = max((name.count("\n") + 1 for name in named_rows(names, width)), default=1)
    return len(names) * (ROW_CM + MORE_CM * (lines - 1)) * width.scale


def _label_below(axes: Axes, width: Width, text: str) -> None:
    axes.set_xlabel(wrapped(text, width.cm * LABEL_SHARE, width.points))


def _legend_columns(names: Sequence[str], width: Width) -> int:
    longest = max(len(line) for name in names for line in name.split("\n"))
    cm = (longest * LETTER + MARK_EM) * width.points * CM_PER_INCH / 72
    return max(1, min(MOST_COLUMNS, int(width.cm / cm)))


def _legend_names(names: Sequence[str], width: Width) -> list[str]:
    return [wrapped(name, LEGEND_NAME_CM * width.scale, width.points) for name in names]


def legend_cm(names: Sequence[str], width: Width) -> float:
    """The height of a legend below a chart."""
    shown = _legend_names(names, width)
    rows = -(-len(shown) // _legend_columns(shown, width))
    lines = [shown[i::rows] for i in range(rows)]
    return sum(
        LINE_CM * (1.2 + max(name.count("\n") for name in line)) * width.scale for line in lines
    )


def _legend_below(figure: Figure, axes: Axes, width: Width) -> None:
    handles, names = axes.get_legend_handles_labels()
    shown = _legend_names(names, width)
    figure.legend(
        handles, shown, loc="outside lower center", ncols=_legend_columns(shown, width),
        columnspacing=1, handlelength=2.2, handletextpad=0.6,
    )  # fmt: skip


def draw_intervals(
    figure: Figure, width: Width, rows: pd.DataFrame, title: str, ceiling: float | None = None
) -> None:
    """Means with 95 % CIs, best on top; open circles and a dashed line: null baselines.

    `rows` as from `results.metric_rows`; `ceiling` is the oracle's mean.
    """
    axes = figure.add_subplot()
    places = np.arange(len(rows))[::-1]
    for is_null, colour in ((False, COLOURS[0]), (True, MUTED)):
        own = (rows["baseline"] == is_null).to_numpy()
        part = rows[own]
        reach = [part["mean"] - part["low"], part["high"] - part["mean"]]
        axes.errorbar(
            part["mean"], places[own], xerr=np.maximum(np.nan_to_num(reach), 0), fmt="o",
            color=colour, markerfacecolor="white" if is_null else colour,
            markersize=3.5 * width.scale, elinewidth=0.9 * width.scale,
        )  # fmt: skip
    nulls = rows.loc[rows["baseline"], "mean"]
    if len(nulls):
        axes.axvline(float(nulls.iloc[0]), color=MUTED, linestyle="--", linewidth=0.8)
    if ceiling is not None:
        axes.axvline(ceiling, color="#2b8a3e", linewidth=0.8)
    axes.set_yticks(places, named_rows(list(rows["name"]), width))
    _label_below(axes, width, title)


def draw_critical_differences(
    figure: Figure, width: Width, test: Friedman, titles: Mapping[str, str], nulls: Sequence[str]
) -> None:
    """Mean ranks, the best on top; bars join methods that are not told apart."""
    axes = figure.add_subplot()
    ranks = test.mean_ranks.sort_values()
    places = {str(method): len(ranks) - n for n, method in enumerate(ranks.index)}
    is_null = np.array([method in nulls for method in ranks.index])
    heights = np.array(list(places.values()))
    for own, colour, fill in ((~is_null, COLOURS[0], COLOURS[0]), (is_null, MUTED, "white")):
        axes.scatter(ranks[own], heights[own], s=(4 * width.scale) ** 2, c=fill, edgecolors=colour,
                     zorder=3)  # fmt: skip
    step = 0.03 * (ranks.max() - ranks.min() + 1)
    for number, group in enumerate(test.groups):
        at = ranks.max() + step * (1.5 + number % BARS)
        ends = [places[group[0]] + 0.25, places[group[-1]] - 0.25]
        axes.plot([at, at], ends, color=MUTED, linewidth=1.8 * width.scale, clip_on=False)
    axes.set_yticks(heights, named_rows([titles[str(method)] for method in ranks.index], width))
    told = f"mean rank (1 is best); critical difference {test.critical_difference:.2f}"
    _label_below(axes, width, told)


def draw_curves(
    figure: Figure, width: Width, rows: pd.DataFrame, titles: Mapping[str, str], title: str
) -> None:
    """Mean curves with their bands; a metric's second kind of curve has a panel of its own."""
    kinds = sorted(set(rows["curve"]), reverse=True)
    panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    looks = looks_of(list(dict.fromkeys(rows["method"])))
    for axes, kind in zip(panels, kinds, strict=True):
        for method, part in rows[rows["curve"] == kind].groupby("method", sort=False):
            colour, dash, _ = looks[str(method)]
            axes.fill_between(part["fraction"], part["low"], part["high"], color=colour,
                              alpha=0.12, linewidth=0)  # fmt: skip
            axes.plot(part["fraction"], part["mean"], color=colour, linestyle=dash,
                      label=titles[str(method)])  # fmt: skip
        axes.set_xlabel("share of pixels")
        axes.set_xlim(0, 1)
        if len(kinds) > 1:
            axes.set_title(CURVE_NAMES.get(str(kind), str(kind)))
    panels[0].set_ylabel(title)
    _legend_below(figure, panels[0], width)


def draw_points(
    figure: Figure,
    width: Width,
    points: pd.DataFrame,
    labels: tuple[str, str],
    is_log: bool = False,
    cross: tuple[float | None, float | None] = (None, None),
) -> None:
    """Methods as numbered points with both intervals; `cross`: the best null baselines.

    `points` has name, baseline, x, y, and y_low, y_high (and x_low, x_high) where known.
    """
    axes = figure.add_subplot()
    looks = looks_of(list(points["name"]))
    for row in points.to_dict("records"):
        colour, _, marker = looks[row["name"]]
        for across in ("x", "y"):
            low, high = row.get(f"{across}_low", np.nan), row.get(f"{across}_high", np.nan)
            if np.isfinite(low) and np.isfinite(high):
                middle = [row["y" if across == "x" else "x"]] * 2
                ends = ([low, high], middle) if across == "x" else (middle, [low, high])
                axes.plot(*ends, color=colour, linewidth=0.7 * width.scale, alpha=0.6)
        axes.scatter(
            row["x"], row["y"], s=(4.5 * width.scale) ** 2, marker=marker, label=row["name"],
            c="white" if row["baseline"] else colour, edgecolors=colour, zorder=3,
        )  # fmt: skip
    for at, line in zip(cross, (axes.axvline, axes.axhline), strict=True):
        if at is not None:
            line(at, color=MUTED, linestyle="--", linewidth=0.8)
    if is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    _label_below(axes, width, labels[0])
    axes.set_ylabel(wrapped(labels[1], PLOT_CM * width.scale, width.points))
    _legend_below(figure, axes, width)


def draw_gains(figure: Figure, width: Width, table: pd.DataFrame, better: str, worse: str) -> None:
    """Paired gains in standard deviations; grey where the two are not told apart.

    `table` has title, gain, low, high, deviation, p_holm; `better` is what gains, over `worse`.
    """
    axes = figure.add_subplot()
    rows = in_deviations(table)
    places = np.arange(len(rows))[::-1]
    for place, row in zip(places, rows.to_dict("records"), strict=True):
        marker = "o" if row["p_holm"] >= ALPHA else "^" if row["gain"] > 0 else "v"
        axes.plot([row["low"], row["high"]], [place] * 2, color=row["colour"])
        axes.plot(row["gain"], place, marker, color=row["colour"], markersize=4 * width.scale)
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_yticks(places, named_rows(list(table["title"]), width))
    sides = [f"← {worse} better", f"{better} better →"]
    apart = "   " if len("".join(sides)) < SIDES_IN_A_LINE else "\n"
    _label_below(axes, width, f"gain in standard deviations\n{apart.join(sides)}")


def in_deviations(table: pd.DataFrame) -> pd.DataFrame:
    """Gains and their intervals in standard deviations, each with its colour."""
    deviation = table["deviation"].where(table["deviation"] > 0, 1.0)
    colour = [
        MUTED if p >= ALPHA else COLOURS[1] if gain > 0 else COLOURS[0]
        for p, gain in zip(table["p_holm"], table["gain"], strict=True)
    ]
    scaled = {name: table[name] / deviation for name in ("gain", "low", "high")}
    return table.assign(**scaled, colour=colour)


def looks_of(names: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Colour, dash and marker of each name; neighbours differ in more than hue."""
    return {
        name: (COLOURS[n % len(COLOURS)], DASHES[n % len(DASHES)],
               MARKERS[(n + n // len(COLOURS)) % len(MARKERS)])
        for n, name in enumerate(names)
    }  # fmt: skip


def plain_axes(axes: Axes) -> None:
    """An axes that only carries an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
