"""Distractibility: how much attribution lies on things and background that do nothing?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks._units import Units, scored, shots_for_units, units_of
from xai_core.ground_truth.benchmarks.base import PartsBenchmark
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.orchard.interventions import with_floor
from xai_core.orchard.redrawing import logits_of_shots
from xai_core.orchard.settings import sample_backdrop, sample_floor
from xai_core.orchard.shot import Shot
from xai_core.recipe import setting

BACKGROUNDS = 2


@dataclass(frozen=True)
class Distractibility(PartsBenchmark):
    """sum over idle things of max(M, 0) / sum over idle and active things of max(M, 0).

    A part or distractor is active if z_c(x) - z_c(x without it) is at least `inert` of the largest
    such loss, else idle: also where it contradicts the class. With `background`, what lies
    beside all things takes the place of the idle ones, in scenes whose class score loses less than
    that when floor and wall are exchanged (mean of two others).
    """

    title = "Distractibility"
    reference = "after Hesse et al., ICCV 2023, arXiv 2308.06248"
    revision = 2
    higher_is_better = False
    bounds = (0.0, 1.0)
    formula = (
        r"\frac{\sum_{p \in \mathrm{idle}} \max(M_p, 0)}"
        r"{\sum_{p \in \mathrm{idle} \cup \mathrm{active}} \max(M_p, 0)}"
    )
    caveat = (
        "Says nothing about the order of the parts that matter; chance is the idle share of the "
        "area, so compare with the uniform map."
    )

    inert: float = setting(0.1, "smallest effect, as a share of the largest", low=0.0, high=0.9)
    background: bool = setting(False, "what lies on the background, instead of on idle things")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return (cls(), cls(background=True), cls(scenes="variety"))

    def shots(self, shot: Shot) -> list[Shot]:
        return [*shots_for_units(shot), *(other_backgrounds(shot) if self.background else [])]

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        units = Work("units", 8, per_map=False)
        return (units, Work("backgrounds", BACKGROUNDS, per_map=False))[: 1 + self.background]

    def known_answer(self, case: Case) -> Tensor:
        return torch.stack([active for _, active in self._areas(case)]).to(case.maps)

    def _score(self, case: Case) -> Scores:
        pairs = zip(case.maps.cpu().double().clamp(min=0), self._areas(case), strict=True)
        return scored([self._share(positive, *areas) for positive, areas in pairs], case)

    def _share(self, positive: Tensor, idle: Tensor, active: Tensor) -> float | str:
        on_idle, on_active = float(positive[idle].sum()), float(positive[active].sum())
        if not active.any():
            return "no part supports the class"
        if not idle.any():
            return f"{'the background' if self.background else 'every part'} supports the class"
        if on_idle + on_active <= 0:
            return "the map has no positive value there"
        return on_idle / (on_idle + on_active)

    def _areas(self, case: Case) -> list[tuple[Tensor, Tensor]]:
        """(H, W) masks of what is idle and of what is active, for each image."""
        pairs = zip(units_of(case), case.targets.tolist(), strict=True)
        return [self._divided(case.batch.classifier, u.things(), target) for u, target in pairs]

    def _divided(self, classifier: Classifier, things: Units, target: int) -> tuple[Tensor, Tensor]:
        lost = things.importance(target)
        least = self.inert * max([0.0, *lost.tolist()])
        works = (lost >= least) & (lost > 0)
        active = things.regions[works].any(dim=0)
        if not self.background:
            return things.regions[~works].any(dim=0) & ~active, active
        changed = logits_of_shots(classifier, other_backgrounds(things.shot))[:, target]
        is_idle = float(things.whole[target] - changed.mean()) < least
        return ~things.regions.any(dim=0) & is_idle, active


def other_backgrounds(shot: Shot) -> list[Shot]:
    """The same things in the same light on two other floors, before two other walls."""
    scene, shots = shot.scene, []
    for number in range(BACKGROUNDS):
        rng = np.random.default_rng((scene.seed, scene.level, number))
        changed = with_floor(scene, sample_floor(rng, scene.level))
        wall = sample_backdrop(rng, scene.level)
        shots.append(shot.of(replace(changed, backdrop=wall).rounded()))
    return shots
