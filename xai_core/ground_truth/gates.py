"""Gates: what must hold for scenes and a model before benchmarks on them can tell methods apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from xai_core.ground_truth.benchmarks._units import (
    importance_both_ways,
    shots_alone,
    shots_for_units,
    units_in,
)
from xai_core.ground_truth.benchmarks.target_localisation import (
    rest_on_own_fruits,
    shots_without_fruits,
)
from xai_core.models.classifier import Classifier
from xai_core.orchard.dataset import TABLES, chosen_tables, chosen_varieties, load_orchard
from xai_core.orchard.fruits.gourd import PARTS
from xai_core.orchard.redrawing import draw_ahead, logits_of_shots, redrawn
from xai_core.orchard.rendering import Rendering
from xai_core.orchard.shot import Shot
from xai_core.orchard.table import AREAS
from xai_core.orchard.variety import PART_AREAS

NOT_ZERO = 0.05
"""Smallest importance that counts, as a share of the scene's largest."""


@dataclass(frozen=True)
class Gate:
    """A measured value and where it must lie; without limits it is only reported."""

    name: str
    value: float
    images: int
    low: float | None = None
    high: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the value lies within its limits; None where it has none."""
        if self.low is None and self.high is None:
            return None
        above = self.low is None or self.value >= self.low
        return above and (self.high is None or self.value <= self.high)

    @property
    def sentence(self) -> str:
        """The gate as one line for people."""
        bounds = [f"at least {self.low:g}"] if self.low is not None else []
        bounds += [f"at most {self.high:g}"] if self.high is not None else []
        verdict = {True: "holds", False: "DOES NOT HOLD", None: "reported"}[self.holds]
        wanted = f" ({' and '.join(bounds)})" if bounds else ""
        return f"{self.name}: {self.value:.3f}{wanted}, {self.images} scenes: {verdict}"

    def to_dict(self) -> dict[str, Any]:
        """For facts.json."""
        return {"name": self.name, "value": round(self.value, 4), "images": self.images,
                "low": self.low, "high": self.high, "holds": self.holds}  # fmt: skip


def shots_of_kind(kind: str, limit: int | None = None) -> list[Shot]:
    """The first test scenes (240) of a kind: "fruits" (one fruit each), "table" or "variety"."""
    limit = TABLES if limit is None else limit
    if kind == "variety":
        return [Shot(scene) for scene in chosen_varieties(limit).values()]
    if kind == "table":
        return [Shot(scene) for scene in chosen_tables(limit).values()]
    split = load_orchard()
    chosen = split.indices("single")
    step = max(1, len(chosen) // limit)
    return [Shot(split.scenes[index]) for index in chosen[::step][:limit]]


def scene_gates(kind: str, shots: Sequence[Shot]) -> list[Gate]:
    """Where the asked (first) fruit lies and how much of the image each fruit covers."""
    pictures = [redrawn(shot) for shot in shots]
    asked = [p.mask(shot.scene.fruits[0].name) for p, shot in zip(pictures, shots, strict=True)]
    areas = [
        float(p.mask(fruit.name).mean())
        for p, shot in zip(pictures, shots, strict=True)
        for fruit in shot.scene.fruits
    ]
    n, table = len(shots), kind == "table"
    auroc = float(np.mean([centre_auroc(mask) for mask in asked]))
    pointing = float(np.mean([centre_points(mask) for mask in asked]))
    inside = float(np.mean([AREAS[0] <= area <= AREAS[1] for area in areas]))
    if kind == "variety":
        return [
            Gate("centre AUROC", auroc, n),
            Gate("centre pointing", pointing, n),
            Gate("parts that cover 0.7 to 3 %", _small_parts(pictures, shots), n, 0.9),
            Gate("mean area of a gourd", float(np.mean(areas)), n),
        ]
    return [
        Gate("centre AUROC", auroc, n, *((0.45, 0.55) if table else ())),
        Gate("centre pointing", pointing, n, high=0.15 if table else None),
        Gate("fruits that cover 2 to 4 %", inside, n, 0.95 if table else None),
        Gate("mean area of a fruit", float(np.mean(areas)), n),
    ]


def model_gates(
    classifier: Classifier,
    shots: Sequence[Shot],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Gate]:
    """Whether the model sees the fruits, uses each for its own class, and uses many things."""
    several = [shot for shot in shots if len(shot.scene.fruits) > 1]
    edited = [other for s in shots for other in (*shots_for_units(s), *shots_alone(s))]
    edited += [other for shot in several for other in shots_without_fruits(shot)]
    draw_ahead(edited, workers, progress)
    found = [_names_shown(classifier, shot) for shot in shots]
    n = len(shots)
    gates = [
        Gate("prediction is a fruit shown", float(np.mean([top for top, _ in found])), n, 0.9),
        Gate("share of the fruits shown among as many first classes",
             float(np.mean([share for _, share in found])), n),
    ]  # fmt: skip
    if several:
        own = float(np.mean([rest_on_own_fruits(classifier, shot) for shot in several]))
        gates.append(Gate("every class rests on its own fruit", own, len(several)))
    return gates + importance_gates(*importances(classifier, shots))


def importances(
    classifier: Classifier, shots: Sequence[Shot]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """For each image the importance for its prediction, and the area, of all things (U,)."""
    lost, areas = [], []
    for shot in shots:
        things = units_in(classifier, shot, shot.size).things()
        target = int(things.whole.argmax())
        lost.append(importance_both_ways(classifier, things, target).numpy())
        areas.append(things.areas.numpy())
    return lost, areas


def importance_gates(
    lost: Sequence[NDArray[np.float64]], areas: Sequence[NDArray[np.float64]]
) -> list[Gate]:
    """How evenly importances (U,) of each image's things are spread, and whether size decides."""
    sizes = [np.abs(values) for values in lost]
    largest = [a.argmax() == s.argmax() for a, s in zip(areas, sizes, strict=True)]
    top = [s.max() / s.sum() if s.sum() > 0 else 1.0 for s in sizes]
    many = [int((s > NOT_ZERO * s.max()).sum()) >= 4 for s in sizes]
    n = len(lost)
    return [
        Gate("largest thing is the most important", float(np.mean(largest)), n, high=0.4),
        Gate("most important thing's share, median", float(np.median(top)), n, high=0.5),
        Gate("at least four things matter", float(np.mean(many)), n, 0.9),
    ]


def _small_parts(pictures: Sequence[Rendering], shots: Sequence[Shot]) -> float:
    """The share of the parts that tell varieties whose area is as it was meant to be."""
    low, high = PART_AREAS
    shown = [
        float(picture.mask(f"{shot.scene.fruits[0].name}.{part}").mean())
        for picture, shot in zip(pictures, shots, strict=True)
        for part in PARTS
    ]
    return float(np.mean([low <= area <= high for area in shown]))


def centre_auroc(mask: NDArray[np.bool_]) -> float:
    """AUROC with which nearness to the middle tells a mask's (S, S) pixels from the others."""
    away = _from_middle(mask.shape[0])
    ranks = rankdata(-away)[mask.ravel()]
    inside, outside = int(mask.sum()), int((~mask).sum())
    if not inside or not outside:
        return 0.5
    return float((ranks.sum() - inside * (inside + 1) / 2) / (inside * outside))


def centre_points(mask: NDArray[np.bool_]) -> bool:
    """Whether the middle of the image lies on the mask (S, S)."""
    middle = mask.shape[0] // 2
    return bool(mask[middle, middle])


def _from_middle(side: int) -> NDArray[np.float64]:
    steps = np.arange(side) - (side - 1) / 2
    distances: NDArray[np.float64] = np.hypot(steps[:, None], steps[None]).ravel()
    return distances


def _names_shown(classifier: Classifier, shot: Shot) -> tuple[bool, float]:
    """Whether the first class is shown, and the share of fruits shown among as many classes."""
    logits = logits_of_shots(classifier, [shot])[0]
    shown = {classifier.categories.index(fruit.kind) for fruit in shot.scene.fruits}
    first: torch.Tensor = logits.topk(len(shown)).indices
    return int(first[0]) in shown, len(shown & set(first.tolist())) / len(shown)
