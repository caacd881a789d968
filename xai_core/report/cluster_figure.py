"""Cluster figure: each cluster's mean heatmap beside the images that are most like it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xai_core.findings.cluster_wording import CAPTION, clusters_say
from xai_core.findings.wording import HEATMAP_COLOURS
from xai_core.images.heatmap import colours, enlarged, fitted, overlay, scaled
from xai_core.images.reading import RGB, BadImage
from xai_core.report import grid
from xai_core.report.alike import Alike
from xai_core.report.explained import Explained, opened
from xai_core.report.figures import Drawn, made
from xai_core.report.latex import escaped, tabular
from xai_core.report.material import Material
from xai_core.report.style import WIDTHS, Width

BESIDE, MEAN_PX = {"column": 3, "page": 5, "slide": 8}, 224
LEGEND = (
    "First column: the mean of the cluster's heatmaps. Beside it: the images whose heatmaps are "
    "nearest to that mean, each with its predicted class, and its label where that is another."
)


def cluster_figure(material: Material, found: Alike) -> Drawn:
    """The clusters of a run's heatmaps, with what the tests say of their errors."""
    shown = [_members(material, found, number) for number in range(found.found.count)]

    def lines(width: Width) -> list[grid.Line]:
        most = BESIDE[width.name]
        made = [_line(found, number, own[:most], most) for number, own in enumerate(shown)]
        return made[: grid.lines_that_fit(width, made)]

    def draw(figure: Figure, width: Width) -> None:
        grid.draw_lines(figure, width, lines(width))

    def height(width: Width) -> float:
        return grid.height_of(width, lines(width))

    said = clusters_say(found.table, found.method, material.manifest)
    room = len(lines(WIDTHS["slide"]))
    few = f" A slide has room for the {room} largest." if room < len(shown) else ""
    legend = f"{LEGEND}{few} {HEATMAP_COLOURS} {CAPTION}"
    return made(material, "clusters", said, legend, draw, height)


def _members(material: Material, found: Alike, number: int) -> list[tuple[str, RGB]]:
    """Some images of a cluster with their heatmaps, each with its note; those that are there."""
    names = material.manifest["classifier"]["categories"]
    shown = []
    for place in found.members(number, max(BESIDE.values())):
        entry = {str(k): value for k, value in found.images.iloc[place].items()}
        try:
            image = opened(material.manifest, entry)
        except BadImage:
            continue
        shown.append((_note(entry, names), _heatmap(image, found, place)))
    return shown


def _heatmap(image: Explained, found: Alike, place: int) -> RGB:
    rgb = fitted(image.rgb, grid.LONGEST_PX)
    image.maps[found.method] = found.maps[place].astype(np.float32)
    values = image.map_at(found.method, rgb.shape[:2])
    return rgb if values is None else overlay(rgb, values)


def _note(entry: dict[str, Any], names: list[str]) -> str:
    predicted, label = int(entry["predicted"]), entry["label"]
    is_known = label is not None and np.isfinite(label)
    if not is_known or int(label) == predicted:
        return names[predicted]
    true = names[int(label)] if 0 <= int(label) < len(names) else "another"
    return f"{names[predicted]} (label: {true})"


def _line(found: Alike, number: int, own: list[tuple[str, RGB]], most: int) -> grid.Line:
    row = found.table.iloc[number]
    wrong = f"\n{row['wrong']} wrong" if row["labelled"] else ""
    mean = enlarged(found.found.means[number].astype(np.float32), MEAN_PX, MEAN_PX)
    missing = most - len(own)
    return grid.Line(
        f"{number + 1}: n = {row['n']}{wrong}",
        colours(scaled(mean)),
        ("",) * most,
        (*(heatmap for _, heatmap in own), *(None,) * missing),
        (*(note for note, _ in own), *(" ",) * missing),
        has_titles=number == 0,
        first="Mean",
    )


def cluster_latex(material: Material, found: Alike) -> str:
    """The clusters as a table* to \\input: how many images, how many wrong, the class."""
    rows = [
        [str(row["cluster"]), str(row["n"]), _wrong(row),
         f"{escaped(str(row['predicted']))} ({row['predicted_n']})"]
        for row in found.table.to_dict("records")
    ]  # fmt: skip
    said = clusters_say(found.table, found.method, material.manifest)
    caption = " ".join([*filter(None, [material.unfinished]), *said, CAPTION])
    heads = ["Cluster", "Images", "Wrong", "Most predicted"]
    return tabular(heads, rows, escaped(caption), f"tab:{material.stem}-clusters")


def _wrong(row: dict[Any, Any]) -> str:
    return f"{row['wrong']} of {row['labelled']}" if row["labelled"] else "--"
