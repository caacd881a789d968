"""Part correlation: do the parts with much attribution matter most to the model?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks._units import Units, importance_maps, scored, units_of
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Kind, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class PartCorrelation(Metric):
    """C(A, I) - C(U, I) over the units u of a scene: A_u is the map's sum over u, U_u that of a
    uniform map, and I_u = z_c(x) - z_c(x without u), where the scene is drawn again without u.

    C is the mean of sign(A_u - A_v) sign(I_u - I_v) over the pairs whose importances differ beyond
    noise: 1 for every map that orders them rightly. Units are the fruit's parts, distractors,
    sticker, highlight and shadow that are seen. FunnyBirds gives (rho + 1) / 2 of Spearman's rho
    of A and I, so its 0.5 is no correlation.
    """

    name: ClassVar[str] = "part_correlation"
    title: ClassVar[str] = "Part correlation"
    reference: ClassVar[str] = "after Hesse et al., ICCV 2023, arXiv 2308.06248 (FunnyBirds)"
    revision: ClassVar[int] = 2
    kind: ClassVar[Kind] = "ground truth"
    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (-2.0, 2.0)
    needs_shots: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"C(A, I) - C(U, I), \quad C(A, I) = \operatorname*{mean}_{|I_u - I_v| > \epsilon}"
        r" \operatorname{sign}(A_u - A_v)\,\operatorname{sign}(I_u - I_v)"
    )
    caveat: ClassVar[str] = (
        "0 is what a map gets that knows only sizes, and the ceiling is 1 less that (large parts "
        "tend to matter more). Redundant parts all count as unimportant."
    )

    over_uniform: bool = setting(True, "less what a uniform map gets; else the ceiling is 1")
    per_pixel: bool = setting(False, "mean instead of sum over each unit: sizes do not help")
    noise: float = setting(
        0.05, "importances closer than this share of the largest are equal", low=0.0, high=0.9
    )
    units: int = setting(4, "fewest units that must be seen", low=2, high=20)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work("units", 8, per_map=False),)

    def known_answer(self, case: Case) -> Tensor:
        return importance_maps(case, self.per_pixel)

    def _score(self, case: Case) -> Scores:
        values: list[float | str] = []
        for index, units in enumerate(units_of(case)):
            target = int(case.targets[index])
            if len(units.names) < self.units:
                values.append(f"fewer than {self.units} parts and effects can be seen")
                continue
            value = self._concordance(units, case.maps[index], target)
            if self.over_uniform:
                value -= self._concordance(units, torch.ones_like(case.maps[index]), target)
            values.append(value if value == value else "no part matters more than another")
        return scored(values, case)

    def _concordance(self, units: Units, values: Tensor, target: int) -> float:
        found = units.attribution(values, self.per_pixel)
        return concordance(found, units.importance(target), self.noise)


def concordance(found: Tensor, importance: Tensor, noise: float) -> float:
    """From -1 to 1: how `found` (U,) orders the pairs of units whose `importance` (U,) differs by
    more than `noise` of the largest; a pair that it ties counts 0. NaN without such a pair.
    """
    differs = importance[:, None] - importance
    counted = differs.abs() > noise * importance.abs().amax()
    orders = (found[:, None] - found).sign() * differs.sign()
    return float(orders[counted].mean())
