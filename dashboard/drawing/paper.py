"""Paper: a chart of the page drawn again by matplotlib, as a file for print.

Knows what the charts here are made of: points, lines and bands, bars, boxes, matrices, and lines
across the plot.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, PercentFormatter

from drawing.charts import COLOURS

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
WIDTH_INCHES, LEAST_INCHES, PX_PER_INCH, DPI = 7.0, 2.2, 100.0, 300
POINTS_PER_PX = 0.6
INK, GRID = "#222222", "#e3e3e3"
DASHES = {None: "-", "solid": "-", "dash": "--", "dot": ":"}
NAME_PLACES = {
    "top": ((0, 6), "center", "bottom"), "bottom": ((0, -6), "center", "top"),
    "right": ((7, 0), "left", "center"), "left": ((-7, 0), "right", "center"),
}  # fmt: skip
"""Where a name stands: offset in points, horizontal and vertical alignment."""
BARS_FILL, BOXES_FILL = 0.8, 0.6
"""How much of a category's row its bars and boxes fill together."""
mpl.rcParams["pdf.fonttype"] = 42  # publishers refuse the default, Type 3
mpl.rcParams["svg.fonttype"] = "none"  # words stay words


def save(chart: go.Figure, kind: str) -> bytes:
    """The chart as the bytes of a PNG, SVG or PDF file."""
    content = io.BytesIO()
    draw(chart).savefig(content, format=kind, dpi=DPI)
    return content.getvalue()


def draw(chart: go.Figure) -> Figure:
    """The chart as a matplotlib figure, on white whatever the page's theme is."""
    layout = chart.layout
    height = max(LEAST_INCHES, (layout.height or 450) / PX_PER_INCH)
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    axes = figure.add_subplot()
    traces = [trace for trace in chart.data if not _only_answers_the_mouse(trace)]
    across = _Scale.of(layout.xaxis, [trace.x for trace in traces])
    upward = _Scale.of(layout.yaxis, [trace.y for trace in traces])
    for number, trace in enumerate(traces):
        alike = [other for other in traces if other.type == trace.type]
        place = next(n for n, other in enumerate(alike) if other is trace)
        colour = COLOURS[number % len(COLOURS)]
        mark = _Mark(trace, across, upward, colour, place, len(alike))
        _DRAWN_BY[trace.type](axes, mark)
    for shape in layout.shapes:
        _draw_shape(axes, shape)
    across.dress(axes, "x")
    upward.dress(axes, "y")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=INK)
    if layout.title.text:
        axes.set_title(_plain(layout.title.text), fontsize=10, loc="left", color=INK)
    handles, names = axes.get_legend_handles_labels()
    if len(names) > 1 and layout.showlegend is not False:
        where: Any = "outside upper center"
        figure.legend(handles, names, loc=where, ncols=3, fontsize=8, frameon=False)
    return figure


@dataclass(frozen=True)
class _Scale:
    """One axis: where values lie on it, and how it is marked."""

    layout: Any
    names: tuple[str, ...]

    @classmethod
    def of(cls, layout: Any, values: Sequence[Any]) -> _Scale:
        found = dict.fromkeys(v for part in values for v in _listed(part) if isinstance(v, str))
        first = [name for name in layout.categoryarray or () if name in found]
        return cls(layout, tuple(dict.fromkeys([*first, *found])))

    def places(self, values: Any) -> Floats:
        at = {name: place for place, name in enumerate(self.names)}
        return np.array([at[v] if isinstance(v, str) else v for v in _listed(values)], dtype=float)

    def dress(self, axes: Axes, which: str) -> None:
        """Ticks, range, direction, grid and title."""
        layout, axis = self.layout, axes.xaxis if which == "x" else axes.yaxis
        is_log = layout.type == "log"
        if is_log:
            (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        if layout.tickvals is not None:
            axis.set_ticks(list(layout.tickvals), [_plain(text) for text in layout.ticktext])
            axis.set_ticks([], minor=True)
        elif self.names:
            axis.set_ticks(range(len(self.names)), [_plain(name) for name in self.names])
        elif "%" in (layout.tickformat or ""):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        elif layout.dtick is not None and not is_log:
            axis.set_major_locator(MultipleLocator(layout.dtick))
        if layout.tickangle:
            axes.tick_params(axis="x", labelrotation=-layout.tickangle)
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
                label.set_rotation_mode("anchor")
        limits = axes.set_xlim if which == "x" else axes.set_ylim
        if layout.range is not None:
            limits(*((10.0**end for end in layout.range) if is_log else layout.range))
        elif layout.rangemode == "tozero":
            low, high = axis.get_view_interval()
            limits(min(0.0, low), max(0.0, high))
        if layout.autorange == "reversed":
            axis.set_inverted(True)
        if which == "y" and layout.showgrid is not False:
            axes.grid(axis="y", color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
        axis.set_label_text(_plain(layout.title.text or ""), fontsize=9, color=INK)


@dataclass(frozen=True)
class _Mark:
    """A trace with its axes, the colour it has where it names none, and its place among others."""

    trace: Any
    across: _Scale
    upward: _Scale
    spare_colour: str
    place: int
    count: int

    @property
    def x(self) -> Floats:
        return self.across.places(self.trace.x)

    @property
    def y(self) -> Floats:
        return self.upward.places(self.trace.y)

    @property
    def label(self) -> str | None:
        name = self.trace.name
        return _plain(name) if name and self.trace.showlegend is not False else None

    @property
    def colour(self) -> str:
        """One colour for the whole trace."""
        line = self.trace.line.color if self.trace.type == "scatter" else None
        named = (line, self.trace.marker.color)
        return next((colour for colour in named if isinstance(colour, str)), self.spare_colour)

    def row(self, fill: float) -> tuple[float, float]:
        """How far from a category's middle this trace stands, and how thick it may be."""
        thick = fill / self.count
        return (self.place - (self.count - 1) / 2) * thick, thick


def _draw_scatter(axes: Axes, mark: _Mark) -> None:
    trace, mode, label = mark.trace, mark.trace.mode or "lines", mark.label
    if trace.fill == "toself":
        axes.fill(mark.x, mark.y, color=_rgba(trace.fillcolor or mark.colour), linewidth=0)
        return
    _draw_reach(axes, mark)
    if "lines" in mode:
        axes.plot(
            mark.x, mark.y, color=mark.colour, linestyle=DASHES[trace.line.dash], label=label,
            linewidth=POINTS_PER_PX * (trace.line.width or 2), alpha=trace.opacity,
        )  # fmt: skip
        label = None
    if "markers" in mode:
        _draw_points(axes, mark, label)
    if "text" in mode:
        spots = np.resize(_listed(trace.textposition), len(mark.x))
        for at, spot, text in zip(zip(mark.x, mark.y, strict=True), spots, trace.text, strict=True):
            offset, sideways, up = next(p for word, p in NAME_PLACES.items() if word in spot)
            axes.annotate(
                _plain(text), at, offset, textcoords="offset points", fontsize=7, color=INK,
                ha=sideways, va=up,
            )  # fmt: skip


def _draw_reach(axes: Axes, mark: _Mark) -> None:
    """Error bars."""
    reach: dict[str, Any] = {}
    for name, values in (("xerr", mark.trace.error_x), ("yerr", mark.trace.error_y)):
        if values.array is not None:
            reach[name] = np.array([_listed(values.arrayminus), _listed(values.array)], dtype=float)
            reach["ecolor"] = values.color or mark.colour
            reach["elinewidth"] = POINTS_PER_PX * (values.thickness or 2)
    if reach:
        axes.errorbar(mark.x, mark.y, fmt="none", **reach)


def _draw_points(axes: Axes, mark: _Mark, label: str | None) -> None:
    marker, count = mark.trace.marker, len(mark.x)
    colours = np.resize(_listed(marker.color) or [mark.colour], count)
    is_open = np.resize(["open" in (s or "") for s in _listed(marker.symbol) or [""]], count)
    px = np.asarray(6 if marker.size is None else marker.size, dtype=float)
    axes.scatter(
        mark.x, mark.y, s=(POINTS_PER_PX * px) ** 2, c=list(np.where(is_open, "white", colours)),
        edgecolors=list(colours), label=label, zorder=3,
    )  # fmt: skip


def _draw_bars(axes: Axes, mark: _Mark) -> None:
    shift, thick = mark.row(BARS_FILL)
    lengths = np.nan_to_num(mark.x)
    axes.barh(mark.y + shift, lengths, height=thick, color=mark.colour, label=mark.label)


def _draw_boxes(axes: Axes, mark: _Mark) -> None:
    shift, thick = mark.row(BOXES_FILL)
    x, y = mark.x, mark.y
    x, y = x[~np.isnan(x)], y[~np.isnan(x)]
    rows = np.unique(y)
    line = {"color": mark.colour, "linewidth": 0.8}
    drawn = axes.boxplot(
        [x[y == row] for row in rows], positions=rows + shift, orientation="horizontal",
        widths=0.8 * thick, manage_ticks=False, patch_artist=True, whiskerprops=line,
        capprops=line, medianprops=line,
        boxprops={"facecolor": to_rgba(mark.colour, 0.4), "edgecolor": mark.colour},
        flierprops={"marker": ".", "markersize": 3, "markeredgecolor": mark.colour},
    )  # fmt: skip
    drawn["boxes"][0].set_label(mark.label or "")


def _draw_matrix(axes: Axes, mark: _Mark) -> None:
    trace = mark.trace
    scale = LinearSegmentedColormap.from_list("own", [(at, _rgba(c)) for at, c in trace.colorscale])
    values = np.asarray(trace.z, dtype=float)
    image = axes.imshow(values, cmap=scale, vmin=trace.zmin, vmax=trace.zmax, aspect="auto")
    size = 8 if max(values.shape) <= 12 else 6
    for (row, column), text in np.ndenumerate(np.asarray(trace.text)):
        middle: Any = {"ha": "center", "va": "center"}
        axes.text(column, row, _plain(text), fontsize=size, color=INK, **middle)
    if trace.showscale is not False:
        figure: Any = axes.figure
        bar = figure.colorbar(image, ax=axes, shrink=0.8)
        bar.set_label(_plain(trace.colorbar.title.text or ""), fontsize=8)
        if "%" in (trace.colorbar.tickformat or ""):
            bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        bar.ax.tick_params(labelsize=8)


def _draw_shape(axes: Axes, shape: Any) -> None:
    """A line across the whole plot, or between two points."""
    is_across = "domain" in str(shape.yref)
    axes.plot(
        [shape.x0, shape.x1], [shape.y0, shape.y1], color=shape.line.color or INK,
        linestyle=DASHES[shape.line.dash], linewidth=0.8 * (shape.line.width or 1),
        transform=axes.get_xaxis_transform() if is_across else axes.transData,
    )  # fmt: skip


_DRAWN_BY = {
    "scatter": _draw_scatter, "bar": _draw_bars, "box": _draw_boxes, "heatmap": _draw_matrix,
}  # fmt: skip


def _only_answers_the_mouse(trace: Any) -> bool:
    return bool(trace.type == "scatter" and trace.marker.opacity == 0)


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return [values] if isinstance(values, str) else list(values)


def _rgba(colour: str) -> Any:
    """What matplotlib calls a colour such as rgba(11,92,173,0.15)."""
    if not colour.startswith("rgba"):
        return colour
    red, green, blue, alpha = (float(part) for part in colour[5:-1].split(","))
    return red / 255, green / 255, blue / 255, alpha


def _plain(text: object) -> str:
    """Text that is not read as mathematics."""
    return str(text).replace("$", r"\$").replace("<br>", "\n")
