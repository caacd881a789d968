"""Exports: what is on the page as a figure, as raw maps, as a table; nothing here draws a page."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from recipes import facts
from state.choices import Choices

from frame import evidence
from frame.evidence import Cell, Evidence
from xai_core.images import heatmap
from xai_core.images.reading import RGB, InputFormat, map_on_photo

if TYPE_CHECKING:
    import pandas as pd

Table: TypeAlias = "pd.DataFrame | list[dict[str, Any]]"
"""Rows of one shape; a short table is shown before pandas, which takes half a second, is loaded."""
FIGURES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
LONGEST_PX = 1200
MEASURED_INCHES = 1.5


def picture_of(seen: Evidence, cell: Cell, chosen: Choices, longest_px: int = LONGEST_PX) -> RGB:
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


def figure(seen: Evidence, chosen: Choices, kind: str) -> bytes:
    """The comparison as a figure file: one row per class, one column per method."""
    from matplotlib.figure import Figure

    columns, rows = len(chosen.methods) + 1, len(seen.targets)
    height, width = seen.photo.rgb.shape[:2]
    inches = MEASURED_INCHES
    drawing = Figure(figsize=(columns * inches, rows * (inches * height / width + 0.55)), dpi=300)
    axes = drawing.subplots(rows, columns, squeeze=False)
    longest = 700 if kind == "png" else LONGEST_PX
    for row, target in zip(axes, seen.targets, strict=True):
        row[0].imshow(heatmap.fitted(seen.photo.rgb, longest))
        share = seen.probabilities[target]
        row[0].set_title(f"{seen.categories[target]} {share:.1%}".replace("$", r"\$"), fontsize=8)
        for axis, method in zip(row[1:], chosen.methods, strict=True):
            axis.imshow(picture_of(seen, seen.cell(method, target), chosen, longest))
            axis.set_title(facts.label_of(method).replace("$", r"\$"), fontsize=8, wrap=True)
    for axis in axes.flat:
        axis.set_axis_off()
    drawing.tight_layout(pad=0.4)
    content = io.BytesIO()
    drawing.savefig(content, format=kind)
    return content.getvalue()


def sweep_figure(
    rows: Sequence[Sequence[RGB]], counts: Sequence[int], shares: Sequence[float], kind: str
) -> bytes:
    """What SeCAM keeps, superpixels by threshold, as a figure file."""
    from matplotlib.figure import Figure

    inches = MEASURED_INCHES
    drawing = Figure(figsize=(len(shares) * inches, len(counts) * (inches + 0.2)), dpi=300)
    axes = drawing.subplots(len(counts), len(shares), squeeze=False)
    for row, count, pictures in zip(axes, counts, rows, strict=True):
        for axis, share, picture in zip(row, shares, pictures, strict=True):
            axis.imshow(heatmap.fitted(picture, LONGEST_PX))
            axis.set_title(f"{count} superpixels, {share:.0%}", fontsize=7)
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
        "network": seen.network,
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
