"""Web page: the report as one file that opens offline, with a before/after slider."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, select_autoescape

from xai_core.findings.phrases import capital
from xai_core.images.heatmap import data_uri, fitted, overlay
from xai_core.report.explained import Explained
from xai_core.report.figures import Drawn
from xai_core.report.material import Material
from xai_core.report.tables import Table

TEMPLATE = Path(__file__).with_name("webpage.html")
LONGEST_PX = 360


@dataclass(frozen=True)
class Shown:
    """A run's images and tables on the page."""

    material: Material
    images: Sequence[Explained]
    methods: Sequence[str]
    tables: Sequence[Table]


def webpage(
    runs: Sequence[Shown], figures: Sequence[Drawn], methods: str, pairs: Sequence[Table] = ()
) -> str:
    """The page as HTML; class names and titles are text in it, whatever letters they have.

    `pairs`: tables of two runs on the same images.
    """
    environment = Environment(autoescape=select_autoescape(default=True), trim_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        runs=[_run(shown) for shown in runs],
        pairs=[_table(table) for table in pairs],
        figures=[
            {"uri": _svg_uri(figure.files), "title": figure.headline, "caption": figure.caption}
            for figure in figures
        ],
        paragraphs=methods.strip().split("\n\n"),
    )


def _run(shown: Shown) -> dict[str, Any]:
    material = shown.material
    sliders = []
    for image in shown.images:
        rgb = fitted(image.rgb, LONGEST_PX)
        maps = [
            (material.title(method), data_uri(overlay(rgb, values)))
            for method in shown.methods
            if (values := image.map_at(method, rgb.shape[:2])) is not None
        ]
        sliders.append({"name": image.name, "label": image.label, "uri": data_uri(rgb),
                        "maps": maps})  # fmt: skip
    said = [" ".join(material.lead_says(metric)) for metric in material.leading_metrics]
    return {
        "name": material.name, "dataset": material.manifest["dataset"],
        "classifier": material.manifest["classifier"]["name"],
        "images": int(material.scores["image_sha256"].nunique()),
        "note": material.note, "right": material.right_says,
        "said": list(dict.fromkeys(said)), "sliders": sliders,
        "tables": [_table(table) for table in shown.tables],
    }  # fmt: skip


def _table(table: Table) -> dict[str, Any]:
    rows, metrics = table.rows, list(dict.fromkeys(table.rows["metric"]))
    cells = {(r["method"], r["metric"]): r for r in rows.to_dict("records")}
    titles = dict(zip(rows["method"], rows["method_title"], strict=True))
    heads = [rows[rows["metric"] == metric].iloc[0] for metric in metrics]
    arrows = {"higher": "↑", "lower": "↓", "": ""}
    return {
        "title": table.headline if table.is_ranked else capital(str(rows["group"].iloc[0])),
        "caption": table.caption,
        "heads": [f"{head['metric_title']} {arrows[head['better']]}" for head in heads],
        "rows": [(title, [cells.get((method, metric)) for metric in metrics])
                 for method, title in titles.items()],
    }  # fmt: skip


def _svg_uri(files: dict[str, dict[str, bytes]]) -> str:
    width = "page" if "page" in files else next(iter(files))
    return f"data:image/svg+xml;base64,{base64.b64encode(files[width]['svg']).decode()}"
