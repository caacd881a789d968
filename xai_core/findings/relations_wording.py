"""Relations' wording: two aims of a method beside each other, described and not tested."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from xai_core.findings import results
from xai_core.findings.phrases import about, inside
from xai_core.titles import joined, label_of

Row = dict[Any, Any]


def speed_says(points: pd.DataFrame, metric: str, manifest: dict[str, Any], images: int) -> str:
    """What the best mean of a metric costs, and what the fastest method reaches.

    `points` has name, baseline, x (seconds) and y (the metric's mean); null baselines do not count.
    """
    own, title = _own(points), inside(label_of(metric, "metrics"))
    where = f"On {about(manifest, images)}"
    if not own:
        return f"{where}, no method but null baselines has both a time and {title}."
    best, fast = _best(own, "y", metric, manifest), min(own, key=lambda row: row["x"])
    if len(own) == 1:
        return (
            f"{where}, {best['name']} takes {best['x']:.2g} s per image; {title} {best['y']:z.3f}."
        )
    said = (
        f"{where}, {best['name']} has the best mean in {title} ({best['y']:z.3f}) "
        f"at {best['x']:.2g} s per image"
    )
    if best["name"] == fast["name"]:
        return f"{said} and is the fastest method."
    return f"{said}; the fastest, {fast['name']} at {fast['x']:.2g} s, has {fast['y']:z.3f}."


def two_aims_say(
    points: pd.DataFrame, metrics: tuple[str, str], manifest: dict[str, Any], images: int
) -> str:
    """Who has the best mean along x and who along y; null baselines do not count."""
    own = _own(points)
    titles = [inside(label_of(metric, "metrics")) for metric in metrics]
    where = f"On {about(manifest, images)}"
    if not own:
        return f"{where}, no method but null baselines is scored by {joined(titles)}."
    if len(own) == 1:
        return f"{where}, {own[0]['name']} alone is scored by {joined(titles)}."
    found = [_best(own, a, m, manifest)["name"] for a, m in zip("xy", metrics, strict=True)]
    if found[0] == found[1]:
        return f"{where}, {found[0]} has the best mean in {joined(titles)}."
    said = [f"{n} has the best mean in {t}" for n, t in zip(found, titles, strict=True)]
    return f"{where}, {' and '.join(said)}."


def _own(points: pd.DataFrame) -> list[Row]:
    rows = points.to_dict("records")
    return [
        r for r in rows if not r["baseline"] and math.isfinite(r["x"]) and math.isfinite(r["y"])
    ]


def _best(rows: list[Row], across: str, metric: str, manifest: dict[str, Any]) -> Row:
    choose = max if results.is_higher_better(metric, manifest) else min
    return choose(rows, key=lambda row: row[across])
