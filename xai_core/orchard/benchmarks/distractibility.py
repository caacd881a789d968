"""Distractibility: how much attribution lies on things and background that do nothing?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from xai_core.classifier import Classifier
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Kind, Metric, Scores, Work
from xai_core.orchard.benchmarks._units import Units, scored, units_of
from xai_core.orchard.interventions import with_floor
from xai_core.orchard.redrawing import logits_of_shots
from xai_core.orchard.settings import sample_backdrop, sample_floor
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting

BACKGROUNDS = 2


@dataclass(frozen=True)
class Distractibility(Metric):
    """sum over what does nothing of max(M, 0) / sum over all that was tested of max(M, 0).

    A part or distractor does nothing if |z_c(x) - z_c(x without it)| is below `inert` of the
    largest such change; the background likewise, by the mean change on two other floors and walls.
    """

    name: ClassVar[str] = "distractibility"
    title: ClassVar[str] = "Distractibility"
    reference: ClassVar[str] = "after Hesse et al., ICCV 2023, arXiv 2308.06248"
    kind: ClassVar[Kind] = "ground truth"
    higher_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs_shots: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"\frac{\sum_{p \in \mathrm{inert}} \max(M_p, 0)}"
        r"{\sum_{p \in \mathrm{inert} \cup \mathrm{active}} \max(M_p, 0)}"
    )
    caveat: ClassVar[str] = (
        "Says nothing about the order of the parts that matter; chance is the inert share of the "
        "area, so compare with the uniform map."
    )

    inert: float = setting(0.1, "largest effect, as a share of the largest", low=0.0, high=0.9)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (
            Work("units", 8, per_map=False),
            Work("backgrounds", BACKGROUNDS, per_map=False),
        )

    def known_answer(self, case: Case) -> Tensor:
        pairs = zip(units_of(case), case.targets.tolist(), strict=True)
        active = [self._divided(case.batch.classifier, units, target)[1] for units, target in pairs]
        return torch.stack(active).to(case.maps)

    def _score(self, case: Case) -> Scores:
        values: list[float | str] = []
        for index, units in enumerate(units_of(case)):
            target = int(case.targets[index])
            inert, active = self._divided(case.batch.classifier, units, target)
            positive = case.maps[index].cpu().double().clamp(min=0)
            on_inert, on_active = float(positive[inert].sum()), float(positive[active].sum())
            if not inert.any():
                values.append("everything that was tested has an effect")
            elif not active.any():
                values.append("no part has an effect")
            elif on_inert + on_active <= 0:
                values.append("the map has no positive value there")
            else:
                values.append(on_inert / (on_inert + on_active))
        return scored(values, case)

    def _divided(self, classifier: Classifier, seen: Units, target: int) -> tuple[Tensor, Tensor]:
        """(H, W) masks of what does nothing and of what does something."""
        things = seen.things()
        effects = things.importance(target).abs()
        changed = logits_of_shots(classifier, other_backgrounds(things.shot))[:, target]
        behind = ~things.regions.any(dim=0)
        effects = torch.cat([effects, (changed - things.whole[target]).abs().double().mean()[None]])
        regions = torch.cat([things.regions, behind[None]])
        does_nothing = effects < self.inert * effects.max()
        return regions[does_nothing].any(dim=0), regions[~does_nothing].any(dim=0)


def other_backgrounds(shot: Shot) -> list[Shot]:
    """The same things in the same light on two other floors, before two other walls."""
    scene, shots = shot.scene, []
    for number in range(BACKGROUNDS):
        rng = np.random.default_rng((scene.seed, scene.level, number))
        changed = with_floor(scene, sample_floor(rng, scene.level))
        wall = sample_backdrop(rng, scene.level)
        shots.append(shot.of(replace(changed, backdrop=wall).rounded()))
    return shots
