"""Target localisation: among several fruits, does the map lie on the one that is asked for?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks._units import resized, scored, shots_of
from xai_core.ground_truth.benchmarks.base import Benchmark
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.orchard.interventions import without
from xai_core.orchard.redrawing import logits_of_shots, redrawn
from xai_core.orchard.shot import Shot


@dataclass(frozen=True)
class TargetLocalisation(Benchmark):
    """Mean over the N fruits c of a table of the share of the positive values on all fruits that
    the map for class c has on fruit c.

    Every fruit is asked for, so a map that does not depend on the class gets exactly 1/N, wherever
    it lies. Only scenes count in which each class score rests on its own fruit most.
    """

    title = "Target localisation"
    reference = "after Arras et al., 2022, arXiv 2003.07258 (CLEVR-XAI)"
    images = "tables"
    bounds = (0.0, 1.0)
    needs_shots = True
    formula = (
        r"\frac{1}{N} \sum_{c} \frac{\sum_{p \in F_c} \max(M_{c,p}, 0)}"
        r"{\sum_{p \in \bigcup_d F_d} \max(M_{c,p}, 0)}"
    )
    caveat = (
        "Chance is 1/N, with three to five fruits 0.26 on average. What lies beside all fruits is "
        "not counted: a map can find its fruit and still be wide."
    )

    def shots(self, shot: Shot) -> list[Shot]:
        return [shot, *shots_without_fruits(shot)]

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (
            Work("target_localisation", 4 * method.passes(classifier)),
            Work("fruits", 5, per_map=False),
        )

    def known_answer(self, case: Case) -> Tensor:
        return case.maps  # each fruit's mask is put in where the maps are made

    def _score(self, case: Case) -> Scores:
        tables = [_Table.of(case, index) for index in range(len(case.batch))]
        classes = _padded([table.classes for table in tables]).to(case.targets)
        if case.method.knows_truth:
            maps = torch.stack([_stretched(table.masks, classes.shape[1]) for table in tables])
        else:
            maps = case.method.attribute(case.batch, classes)
        return scored([t.score(m, case) for t, m in zip(tables, maps, strict=True)], case)


@dataclass(frozen=True, eq=False)
class _Table:
    """Several fruits in one image: their class indices (N,) and masks (N, H, W)."""

    shot: Shot
    classes: tuple[int, ...]
    masks: Tensor

    @classmethod
    def of(cls, case: Case, index: int) -> _Table:
        shot = shots_of(case)[index]
        categories = case.batch.classifier.categories
        fruits = [fruit for fruit in shot.scene.fruits if fruit.kind in categories]
        side = case.maps.shape[-1]
        masks = [resized(redrawn(shot).mask(fruit.name), side) for fruit in fruits]
        stacked = np.stack(masks) if masks else np.zeros((1, side, side), bool)
        classes = tuple(categories.index(fruit.kind) for fruit in fruits) or (0,)
        return cls(shot, classes, torch.from_numpy(stacked))

    def score(self, maps: Tensor, case: Case) -> float | str:
        """The mean share of the maps (>= N, H, W) on their own fruits, or why there is none."""
        if len(self.classes) < 2 or len(self.classes) < len(self.shot.scene.fruits):
            return "needs a scene with several fruits that the model knows"
        if not rest_on_own_fruits(case.batch.classifier, self.shot):
            return "a class score rests more on another fruit"
        positive = maps[: len(self.classes)].cpu().double().clamp(min=0)
        on = torch.einsum("chw,fhw->cf", positive, self.masks.double())
        total = on.sum(dim=1)
        if bool((total <= 0).any()):
            return "a map has no positive value on the fruits"
        return float((on.diagonal() / total).mean())


def rest_on_own_fruits(classifier: Classifier, shot: Shot) -> bool:
    """Whether each fruit's class score falls more without that fruit than without another."""
    classes = [classifier.categories.index(fruit.kind) for fruit in shot.scene.fruits]
    left = logits_of_shots(classifier, shots_without_fruits(shot))[:, classes]
    return bool((left.argmin(dim=0) == torch.arange(len(classes))).all())


def shots_without_fruits(shot: Shot) -> list[Shot]:
    """The image without each of its fruits in turn."""
    return [shot.of(without(shot.scene, fruit.name)) for fruit in shot.scene.fruits]


def _padded(rows: list[tuple[int, ...]]) -> Tensor:
    """(R, T) rows of different lengths, filled with their first entry."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[row[0]] * (longest - len(row))] for row in rows])


def _stretched(masks: Tensor, count: int) -> Tensor:
    """(N, H, W) masks as (count, H, W) maps, filled with the first."""
    return torch.cat([masks, masks[:1].expand(count - len(masks), -1, -1)]).float()
