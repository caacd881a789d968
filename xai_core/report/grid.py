"""Grid: the same images in every method, one title row, row labels and the colour bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from xai_core.images.heatmap import colour_bar, fitted, overlay
from xai_core.images.reading import RGB
from xai_core.report.charts import plain_axes
from xai_core.report.explained import Explained
from xai_core.report.style import CM_PER_INCH, Width, drawable, wrapped

LONGEST_PX = 480
BAR_CM, TITLE_CM, GAP_CM, LABEL_CM = 0.9, 0.8, 0.15, 1.2
MISSING = "not available"
NOTE_SCALE, SQUEEZED = 0.7, 1.3
"""How small the notes are; a slide's lines may be narrower by so much than they could be."""


@dataclass(frozen=True)
class Line:
    """The image, then a heatmap for each title (None: there is none), each with a note below it.

    `has_titles`: whether the titles stand above this line; below them every line has the same.
    `first`: the title of the first column.
    """

    label: str
    rgb: RGB
    titles: tuple[str, ...]
    heatmaps: tuple[RGB | None, ...]
    notes: tuple[str, ...] = ()
    has_titles: bool = True
    first: str = "Image"


def height_of(width: Width, lines: Sequence[Line]) -> float:
    """Centimetres that the lines need at this width."""
    cell = _cell_cm(width, lines)
    return BAR_CM * width.scale + sum(_height_of_line(width, line, cell) for line in lines)


def _cell_cm(width: Width, lines: Sequence[Line]) -> float:
    return (width.cm - LABEL_CM) / (max(len(line.heatmaps) for line in lines) + 1)


def _height_of_line(width: Width, line: Line, cell: float) -> float:
    points = width.points * NOTE_SCALE
    text_cm = points * CM_PER_INCH / 72 * 1.3
    counts = [wrapped(note, cell, points).count("\n") + 1 for note in line.notes if note]
    notes = max(counts, default=0)
    height, across = line.rgb.shape[:2]
    title = TITLE_CM * width.scale if line.has_titles else 0.0
    return float(cell * height / across + GAP_CM + title + text_cm * notes)


def lines_of(
    images: Sequence[Explained], methods: Sequence[str], titles: Sequence[str]
) -> list[Line]:
    """One line per image of a run, the titles above the first."""
    lines = []
    for number, image in enumerate(images):
        rgb = fitted(image.rgb, LONGEST_PX)
        maps = [image.map_at(method, rgb.shape[:2]) for method in methods]
        heatmaps = tuple(None if values is None else overlay(rgb, values) for values in maps)
        lines.append(Line(image.label, rgb, tuple(titles), heatmaps, has_titles=number == 0))
    return lines


def lines_that_fit(width: Width, lines: Sequence[Line]) -> int:
    """How many of the lines a page of a prescribed height has room for, but two at least."""
    if width.height_cm is None:
        return len(lines)
    counts = range(1, len(lines) + 1)
    fitting = [n for n in counts if height_of(width, lines[:n]) <= width.height_cm * SQUEEZED]
    return max([*fitting, min(2, len(lines))])


def draw_lines(figure: Figure, width: Width, lines: Sequence[Line]) -> None:
    """Every line with its label at the left, and the colour bar below all of them."""
    columns = max(len(line.heatmaps) for line in lines) + 1
    cells = figure.subplots(len(lines), columns, squeeze=False)
    for axes in cells.flat:
        plain_axes(axes)
    cell = _cell_cm(width, lines)
    for row, line in zip(cells, lines, strict=True):
        row[0].imshow(line.rgb)
        row[0].set_ylabel(drawable(line.label), fontsize=width.points * 0.85)
        for axes, title in zip(
            row, [line.first, *line.titles] if line.has_titles else [], strict=False
        ):
            axes.set_title(
                drawable(wrapped(title, cell, width.points * 0.9)), fontsize=width.points * 0.9
            )
        for number, (axes, heatmap) in enumerate(zip(row[1:], line.heatmaps, strict=False)):
            note = line.notes[number] if line.notes else ""
            axes.imshow(
                line.rgb if heatmap is None else heatmap, alpha=0.15 if heatmap is None else 1
            )
            text = note or (MISSING if heatmap is None else "")
            points = width.points * NOTE_SCALE
            axes.set_xlabel(drawable(wrapped(text, cell, points)), fontsize=points)
    _draw_bar(figure, width)


def _draw_bar(figure: Figure, width: Width) -> None:
    """The colour scale, below everything else."""
    height_cm = figure.get_figheight() * CM_PER_INCH
    below = BAR_CM * width.scale / height_cm
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, below, 1, 1 - below))
    axes = figure.add_axes((0.3, 0.6 * below, 0.4, 0.3 * below))
    axes.set_in_layout(False)
    axes.imshow(colour_bar(255, 12), aspect="auto", extent=(-1, 1, 0, 1))
    axes.set_xticks([-1, 0, 1], ["contradicts", "0", "supports the class"])
    axes.set_yticks([])
    axes.tick_params(labelsize=width.points * 0.85, length=2)
    axes.grid(False)
