"""Necessity: is the prediction lost when the parts that a map finds are not drawn?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Self

from torch import Tensor

from xai_core.ground_truth.benchmarks._units import (
    importance_maps,
    most_first,
    probability,
    scored,
    shots_for_units,
    units_of,
)
from xai_core.ground_truth.benchmarks.base import PartsBenchmark
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.orchard.interventions import without
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting


@dataclass(frozen=True)
class Necessity(PartsBenchmark):
    """Mean over k = 1 .. `parts` of p_c(scene) - p_c(scene without the k things that the map
    favours).

    Things are the fruit's parts, distractors and sticker; they are ordered by the map's mean over
    what is seen of them, and p_c is the target's softmax probability.
    """

    title = "Necessity"
    reference = "after the deletion check of Hesse et al., ICCV 2023, arXiv 2308.06248"
    revision = 2
    bounds = (-1.0, 1.0)
    formula = r"\frac{1}{K} \sum_{k=1}^{K} p_c(x) - p_c\left(x_{\text{without top } k}\right)"
    caveat = (
        "Where parts can stand in for each other, none is necessary and all maps score low. The "
        "largest part tends to matter most: compare with the centre baseline."
    )

    per_pixel: bool = setting(True, "order by the mean over a thing; else by the sum")
    parts: int = setting(2, "largest number of parts that are removed", low=1, high=8)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(), cls(scenes="variety"))

    def shots(self, shot: Shot) -> list[Shot]:
        return shots_for_units(shot)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work("units", 8, per_map=False), Work("necessity", self.parts - 1))

    def known_answer(self, case: Case) -> Tensor:
        return importance_maps(case, self.per_pixel)

    def _score(self, case: Case) -> Scores:
        values: list[float | str] = []
        for index, seen in enumerate(units_of(case)):
            things = seen.things()
            count = min(self.parts, len(things.names) - 1)
            if count < 1:
                values.append("fewer than two parts can be seen")
                continue
            order = most_first(
                things.attribution(case.maps[index], self.per_pixel), case.batch.sha256s[index]
            )
            found = [things.names[position] for position in order]
            scene = things.shot.scene
            scenes = [scene, *(reduce(without, found[: k + 1], scene) for k in range(count))]
            target = int(case.targets[index])
            found_p = probability(case.batch.classifier, things.shot, scenes, target)
            values.append(float((found_p[0] - found_p[1:]).mean()))
        return scored(values, case)
