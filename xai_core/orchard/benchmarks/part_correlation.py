"""Part correlation: do the parts with much attribution matter most to the network?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from xai_core.classifier import Classifier
from xai_core.methods.base import Method
from xai_core.metrics._ranks import spearman
from xai_core.metrics.base import Case, Kind, Metric, Scores, Work
from xai_core.orchard.benchmarks._units import importance_maps, scored, units_of
from xai_core.recipe import setting


@dataclass(frozen=True)
class PartCorrelation(Metric):
    """Spearman correlation over the units u of a scene of A_u, the map's sum over u, and
    I_u = z_c(x) - z_c(x without u), where the scene is drawn again without u and z_c is the logit.

    Units are the fruit's parts, distractors, sticker, highlight and shadow that are seen. Effects
    too small to survive drawing with more rays count as none, so their order does not matter.
    """

    name: ClassVar[str] = "part_correlation"
    title: ClassVar[str] = "Part correlation"
    reference: ClassVar[str] = "Hesse et al., ICCV 2023, arXiv 2308.06248 (FunnyBirds)"
    kind: ClassVar[Kind] = "ground truth"
    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    needs_shots: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\rho_{\mathrm{Spearman}}\left(\sum_{p \in u} M_p,\; z_c(x) - z_c(x_{\setminus u})\right)"
    )
    caveat: ClassVar[str] = (
        "Large parts tend to matter more, so a map that knows only sizes scores above 0: compare "
        "with the uniform map. Units that could stand in for each other all count as unimportant."
    )

    per_pixel: bool = setting(False, "mean instead of sum over each unit: sizes do not help")
    noise: float = setting(
        0.05, "effects below this share of the largest count as none", low=0.0, high=0.9
    )
    units: int = setting(4, "fewest units that must be seen", low=2, high=20)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work("units", 8, per_map=False),)

    def known_answer(self, case: Case) -> Tensor:
        return importance_maps(case, self.per_pixel, self.noise)

    def _score(self, case: Case) -> Scores:
        values: list[float | str] = []
        for index, units in enumerate(units_of(case)):
            if len(units.names) < self.units:
                values.append(f"fewer than {self.units} parts and effects can be seen")
                continue
            found = units.attribution(case.maps[index], self.per_pixel)
            importance = units.importance(int(case.targets[index]), self.noise)
            value = float(spearman(found[None], importance[None])[0])
            same = "all parts have the same attribution or the same importance"
            values.append(same if value != value else value)
        return scored(values, case)
