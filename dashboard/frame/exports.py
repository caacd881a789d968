"""Exports: what is on the page as a figure, as raw maps, as a table; nothing here draws a page."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from recipes import facts
from state.choices import Choices

from frame import evidence
from frame.evidence import Cell, Evidence
from xai_core.images import heatmap
from xai_core.images.reading import RGB, InputFormat, map_on_photo
from xai_core.titles import joined, percent

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.report.grid import Line

Table: TypeAlias = "pd.DataFrame | list[dict[str, Any]]"
"""Rows of one shape; a short table is shown before pandas, which takes half a second, is loaded."""
FIGURES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
LONGEST_PX = 1200
MEASURED_INCHES, LINE_PX = 1.5, 600
METHODS_BESIDE = {"column": 3, "page": 6, "slide": 8}
"""Heatmaps side by side at each width; more of them begin a new block of lines."""
VIEW_SAYS = {
    "overlay": "", "map": "",
    "kept": "Shown is what reaches {threshold} of the map's maximum; the rest is pale.",
}  # fmt: skip


def drawn_cell(seen: Evidence, cell: Cell, chosen: Choices, longest_px: int = LONGEST_PX) -> RGB:
    """One map on its photo, as the page shows it."""
    rgb = heatmap.fitted(seen.photo.rgb, longest_px)
    if cell.map is None:
        return rgb
    height, width = rgb.shape[:2]
    form = InputFormat(**dict(seen.form))
    values = map_on_photo(cell.map, height, width, form, chosen.framing)
    if chosen.view == "kept":
        return heatmap.masked(rgb, values, chosen.threshold)
    return heatmap.overlay(rgb, values, 1.0 if chosen.view == "map" else chosen.opacity)


@dataclass(frozen=True)
class Form:
    """How a comparison is drawn: `width` is one of the report's, scores below the heatmaps."""

    width: str = "page"
    with_scores: bool = False
    is_transparent: bool = False


def figure(
    seen: Evidence, chosen: Choices, form: Form, others: Sequence[Evidence], kind: str
) -> bytes:
    """The comparison as a figure file: one line per model and class, one column per method.

    What is not computed yet stays pale. `others`: what further models make of the same image.
    """
    from xai_core.report.grid import draw_lines, height_of
    from xai_core.report.style import WIDTHS, files_of

    width = WIDTHS[form.width]
    lines = lines_of([seen, *others], chosen, form)

    def draw(drawing: Any, _: Any) -> None:
        draw_lines(drawing, width, lines)

    height = height_of(width, lines)
    return files_of(draw, width, height, form.is_transparent, kinds=(kind,))[kind]


def file_stem(seen: Evidence) -> str:
    """A figure's name made of the image's and the model's."""
    parts = [Path(seen.photo.name).stem, Path(seen.model).stem]
    return re.sub(r"[^\w.]+", "-", "-".join(filter(None, parts))).strip("-.") or "comparison"


def lines_of(models: Sequence[Evidence], chosen: Choices, form: Form) -> list[Line]:
    """The lines of the figure: few methods side by side, every block with its titles once."""
    from xai_core.report.grid import Line

    side_by_side = METHODS_BESIDE[form.width]
    count = len(chosen.methods)
    parts = -(-count // side_by_side)
    size = -(-count // parts)
    lines = []
    for start in range(0, count, size):
        methods = chosen.methods[start : start + size]
        for number, (now, target) in enumerate((m, t) for m in models for t in m.targets):
            cells = [now.cell(method, target) for method in methods]
            lines.append(
                Line(
                    _line_label(now, target, len(models) > 1),
                    heatmap.fitted(now.photo.rgb, LINE_PX),
                    tuple(facts.label_of(method) for method in methods),
                    tuple(None if c.map is None else drawn_cell(now, c, chosen, LINE_PX)
                          for c in cells),
                    tuple(_scores_of(cell, form) for cell in cells),
                    has_titles=number == 0,
                )
            )  # fmt: skip
    return lines


def _line_label(seen: Evidence, target: int, has_model: bool) -> str:
    text = f"{seen.categories[target]} {percent(seen.probabilities[target], 1)}"
    return f"{seen.model}\n{text}" if has_model else text


def _scores_of(cell: Cell, form: Form) -> str:
    """The scores below a heatmap, one line each; or why there is no heatmap."""
    if cell.map is None:
        return "failed" if cell.error else "skipped" if cell.is_skipped else "computing"
    known = facts.facts("metrics")
    scores = cell.scores if form.with_scores else {}
    return "\n".join(
        f"{known[metric].title if metric in known else metric} {value:z.3f}"
        for metric, value in scores.items()
        if value is not None
    )


def caption(seen: Evidence, chosen: Choices, form: Form, others: Sequence[Evidence] = ()) -> str:
    """What the figure shows, in the words of the report's captions; "computing" is told."""
    from xai_core.findings import wording  # loads pandas, which the first view does without

    models = joined([f"the model {now.model}" for now in (seen, *others)])
    classes = joined(
        [f"{seen.categories[t]} ({percent(seen.probabilities[t], 1)})" for t in seen.targets]
    )
    methods = joined([facts.label_of(method) for method in chosen.methods])
    shown = f"an image of {seen.label}" if seen.label else "one image"
    missing = [m for m in chosen.methods for t in seen.targets if seen.cell(m, t).map is None]
    view_says = VIEW_SAYS[chosen.view].format(threshold=percent(chosen.threshold))
    parts = [
        f"Heatmaps of {methods} on {shown} for {models}; explained: {classes}.",
        view_says or wording.HEATMAP_COLOURS,
        "Below each: its scores on this image alone." if form.with_scores else "",
        f"Not computed yet: {joined([facts.label_of(m) for m in dict.fromkeys(missing)])}."
        if missing else "",
    ]  # fmt: skip
    return " ".join(part for part in parts if part)


def sweep_figure(
    rows: Sequence[Sequence[RGB]], counts: Sequence[int], shares: Sequence[float], kind: str
) -> bytes:
    """What SeCAM keeps, superpixels by threshold, as a figure file."""
    from matplotlib.figure import Figure

    inches = MEASURED_INCHES
    drawing = Figure(figsize=(len(shares) * inches, len(counts) * (inches + 0.2)), dpi=300)
    axes = drawing.subplots(len(counts), len(shares), squeeze=False)
    for row, count, images in zip(axes, counts, rows, strict=True):
        for axis, share, image in zip(row, shares, images, strict=True):
            axis.imshow(heatmap.fitted(image, LONGEST_PX))
            axis.set_title(f"{count} superpixels, {percent(share)}", fontsize=7)
            axis.set_axis_off()
    drawing.tight_layout(pad=0.4)
    content = io.BytesIO()
    drawing.savefig(content, format=kind)
    return content.getvalue()


def raw_maps(seen: Evidence, chosen: Choices) -> bytes:
    """The maps as numbers: an .npz with `maps` (methods, classes, H, W) and what they belong to."""
    maps = [[seen.cell(m, t).map for t in seen.targets] for m in chosen.methods]
    missing = np.zeros(next(m.shape for row in maps for m in row if m is not None), np.float32)
    stacked = np.stack([[missing * np.nan if m is None else m for m in row] for row in maps])
    described = {
        "model": seen.model,
        "framing": chosen.framing,
        "picture_sha256": seen.photo.sha256,
        "methods": list(chosen.methods),
        "classes": [seen.categories[t] for t in seen.targets],
        "probabilities": [seen.probabilities[t] for t in seen.targets],
        "from": "shipped display copies" if seen.stored else "computed now, float16",
    }
    content = io.BytesIO()
    np.savez_compressed(content, maps=stacked, description=json.dumps(described))
    return content.getvalue()


def score_table(seen: Evidence) -> Table:
    """One row per class and method: every score that is known, and the time."""
    known = tuple(dict.fromkeys(metric for cell in seen.cells for metric in cell.scores))
    rows = []
    for cell in seen.cells:
        row: dict[str, Any] = {
            "Class": seen.categories[cell.target],
            "Method": facts.label_of(cell.method),
        }
        for metric in known or evidence.SHOWN_METRICS:
            fact = facts.facts("metrics").get(metric)
            title = f"{fact.title} {fact.arrow}".strip() if fact else metric
            row[title] = cell.scores.get(metric)
        rows.append({**row, "Seconds": cell.seconds})
    return rows


def csv(table: Table) -> bytes:
    import pandas as pd

    return pd.DataFrame(table).to_csv(index=False).encode()


def latex(table: Table, caption: str = "") -> bytes:
    """A table for a paper, ready for booktabs."""
    import pandas as pd

    arrows = {"↑": r"$\uparrow$", "↓": r"$\downarrow$"}
    text = str(
        pd.DataFrame(table).to_latex(
            index=False, escape=True, na_rep="--", float_format="%.3f", caption=caption or None
        )
    )
    for arrow, command in arrows.items():
        text = text.replace(arrow, command)
    return text.encode()
