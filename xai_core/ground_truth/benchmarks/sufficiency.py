"""Sufficiency: do the parts that a map finds hold the prediction when only they are drawn?"""

from __future__ import annotations

from dataclasses import dataclass
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
from xai_core.orchard.interventions import only
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting


@dataclass(frozen=True)
class Sufficiency(PartsBenchmark):
    """Mean over k = 1 .. `parts` of p_c(scene with only the k things that the map favours).

    Things are the fruit's parts, distractors and sticker; they are ordered by the map's mean over
    what is seen of them, and p_c is the target's softmax probability.
    """

    title = "Sufficiency"
    reference = "after the preservation check of Hesse et al., ICCV 2023, arXiv 2308.06248"
    revision = 2
    bounds = (0.0, 1.0)
    formula = r"\frac{1}{K} \sum_{k=1}^{K} p_c\left(x_{\text{only top } k}\right)"
    caveat = (
        "Only the order of the parts counts. The largest part tends to matter most, so a map that "
        "covers the middle of the fruit already does well: compare with the centre baseline."
    )

    per_pixel: bool = setting(True, "order by the mean over a thing; else by the sum")
    parts: int = setting(2, "largest number of parts that are drawn", low=1, high=8)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(), cls(scenes="variety"))

    def shots(self, shot: Shot) -> list[Shot]:
        return shots_for_units(shot)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work("units", 8, per_map=False), Work("sufficiency", self.parts))

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
            scenes = [only(things.shot.scene, found[: k + 1]) for k in range(count)]
            target = int(case.targets[index])
            kept = probability(case.batch.classifier, things.shot, scenes, target)
            values.append(float(kept.mean()))
        return scored(values, case)
