"""Part correlation: do the parts with much attribution matter most to the model?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks._units import (
    Units,
    importance_both_ways,
    scored,
    shots_alone,
    shots_for_units,
    spread,
    units_of,
)
from xai_core.ground_truth.benchmarks.base import PartsBenchmark
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting


@dataclass(frozen=True)
class PartCorrelation(PartsBenchmark):
    """C(A, I) - C(U, I) over the units u of a scene: A_u is the map's sum over u, U_u that of a
    uniform map, and I_u = z_c(x) - z_c(x without u), where the scene is drawn again without u.

    C is the mean of sign(A_u - A_v) sign(I_u - I_v) over the pairs whose importances differ beyond
    noise: 1 for every map that orders them rightly. Units are the fruit's parts, distractors,
    sticker, highlight and shadow that are seen. FunnyBirds gives (rho + 1) / 2 of Spearman's rho
    of A and I, so its 0.5 is no correlation.
    """

    title = "Part correlation"
    reference = "after Hesse et al., ICCV 2023, arXiv 2308.06248 (FunnyBirds)"
    revision = 2
    bounds = (-2.0, 2.0)
    formula = (
        r"C(A, I) - C(U, I), \quad C(A, I) = \operatorname*{mean}_{|I_u - I_v| > \epsilon}"
        r" \operatorname{sign}(A_u - A_v)\,\operatorname{sign}(I_u - I_v)"
    )
    caveat = (
        "0 is what a map gets that knows only sizes; a perfect map gets less than 1, because that "
        "share is taken off (large parts tend to matter more). Redundant parts all count as "
        "unimportant."
    )

    over_uniform: bool = setting(True, "less what a uniform map gets; else the ceiling is 1")
    per_pixel: bool = setting(False, "mean instead of sum over each unit: sizes do not help")
    both_ways: bool = setting(
        False,
        "things only, importance as the mean of removing from the full scene and adding to the "
        "empty one",
        added_later=True,
    )
    noise: float = setting(
        0.05, "importances closer than this share of the largest are equal", low=0.0, high=0.9
    )
    units: int = setting(4, "fewest units that must be seen", low=2, high=20)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(), cls(per_pixel=True), cls(scenes="variety", both_ways=True))

    def shots(self, shot: Shot) -> list[Shot]:
        return [*shots_for_units(shot), *(shots_alone(shot) if self.both_ways else [])]

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        units = Work("units", 8, per_map=False)
        return (units, Work("units alone", 9, per_map=False))[: 1 + self.both_ways]

    def known_answer(self, case: Case) -> Tensor:
        maps = []
        for seen, target in zip(units_of(case), case.targets.tolist(), strict=True):
            units, importance = self._measured(case.batch.classifier, seen, target)
            worth = importance * units.areas if self.per_pixel else importance
            maps.append(spread(worth, units.regions))
        return torch.stack(maps).to(case.maps)

    def _score(self, case: Case) -> Scores:
        values: list[float | str] = []
        for index, seen in enumerate(units_of(case)):
            target = int(case.targets[index])
            units, importance = self._measured(case.batch.classifier, seen, target)
            if len(units.names) < self.units:
                values.append(f"fewer than {self.units} parts and effects can be seen")
                continue
            value = self._concordance(units, case.maps[index], importance)
            if self.over_uniform:
                uniform = torch.ones_like(case.maps[index])
                value -= self._concordance(units, uniform, importance)
            values.append(value if value == value else "no part matters more than another")
        return scored(values, case)

    def _measured(self, classifier: Classifier, seen: Units, target: int) -> tuple[Units, Tensor]:
        """The units that count and what each is worth to the class score, (U,)."""
        if not self.both_ways:
            return seen, seen.importance(target)
        things = seen.things()
        return things, importance_both_ways(classifier, things, target)

    def _concordance(self, units: Units, values: Tensor, importance: Tensor) -> float:
        found = units.attribution(values, self.per_pixel)
        return concordance(found, importance, self.noise)


def concordance(found: Tensor, importance: Tensor, noise: float) -> float:
    """From -1 to 1: how `found` (U,) orders the pairs of units whose `importance` (U,) differs by
    more than `noise` of the largest; a pair that it ties counts 0. NaN without such a pair.
    """
    differs = importance[:, None] - importance
    counted = differs.abs() > noise * importance.abs().amax()
    orders = (found[:, None] - found).sign() * differs.sign()
    return float(orders[counted].mean())
