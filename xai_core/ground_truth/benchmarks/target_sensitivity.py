"""Target sensitivity: does the map move to the other fruit when the other class is asked for?"""

from __future__ import annotations

from dataclasses import dataclass

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
class TargetSensitivity(Benchmark):
    """s_A(M_A) - s_A(M_B) on a scene with fruits of the classes A and B, where M_c is the map for
    class c and s_A(M) the share of its positive values on both fruits that lies on fruit A.

    1 where the map moves from one fruit to the other, 0 where it does not depend on the class.
    Only scenes count in which each class score rests on its own fruit more than on the other.
    """

    title = "Target sensitivity"
    reference = "after Hesse et al., ICCV 2023, arXiv 2308.06248"
    images = "pairs"
    bounds = (-1.0, 1.0)
    needs_masks = True
    needs_shots = True
    formula = (
        r"s_A(M_A) - s_A(M_B), \quad s_A(M) = "
        r"\frac{\sum_{p \in A} \max(M_p, 0)}{\sum_{p \in A \cup B} \max(M_p, 0)}"
    )
    caveat = (
        "What lies beside both fruits is not counted: a map can move rightly and still be wide."
    )

    def shots(self, shot: Shot) -> list[Shot]:
        return [shot, *(shot.of(without(shot.scene, fruit.name)) for fruit in shot.scene.fruits)]

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (
            Work("target_sensitivity", method.passes(classifier)),
            Work("fruits", 3, per_map=False),
        )

    def _score(self, case: Case) -> Scores:
        pairs = [_Pair.of(case, index) for index in range(len(case.batch))]
        classes = torch.tensor([pair.classes for pair in pairs]).to(case.targets)
        first, second = self._maps(case, pairs, classes)
        values: list[float | str] = []
        for index, pair in enumerate(pairs):
            shares = pair.share(first[index]), pair.share(second[index])
            reason = pair.reason
            if reason is None and not pair.rests_on_own_fruit(case.batch.classifier):
                reason = "a class score rests more on the other fruit"
            if reason is None and any(share != share for share in shares):
                reason = "a map has no positive value on the fruits"
            values.append(reason or shares[0] - shares[1])
        return scored(values, case)

    def known_answer(self, case: Case) -> Tensor:
        return case.maps  # both fruits' masks are put in where both maps are made

    def _maps(self, case: Case, pairs: list[_Pair], classes: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (N, H, W) for the first and for the second class."""
        if case.method.knows_truth:
            masks = torch.stack([pair.masks for pair in pairs]).to(case.maps)
            return masks[:, 0], masks[:, 1]
        if bool((classes[:, 0] == case.targets).all()):
            return case.maps, case.method.attribute(case.batch, classes[:, 1:])[:, 0]
        both = case.method.attribute(case.batch, classes)
        return both[:, 0], both[:, 1]


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two fruits in one image: class indices (A, B) and masks (2, H, W)."""

    shot: Shot
    classes: tuple[int, int]
    masks: Tensor
    reason: str | None

    @classmethod
    def of(cls, case: Case, index: int) -> _Pair:
        shot = shots_of(case)[index]
        categories = case.batch.classifier.categories
        fruits = [fruit.name for fruit in shot.scene.fruits]
        if len(fruits) != 2 or not set(fruits) <= set(categories):
            empty = torch.zeros(2, *case.maps.shape[1:], dtype=torch.bool)
            return cls(shot, (0, 0), empty, "needs a scene with two fruits the model knows")
        side = case.maps.shape[-1]
        masks = [torch.from_numpy(resized(redrawn(shot).mask(f), side).copy()) for f in fruits]
        first, second = (categories.index(fruit) for fruit in fruits)
        return cls(shot, (first, second), torch.stack(masks), None)

    def share(self, values: Tensor) -> float:
        """Of the map's positive values on both fruits, the share on the first."""
        positive = values.cpu().double().clamp(min=0)
        on = [float(positive[mask].sum()) for mask in self.masks]
        return on[0] / sum(on) if sum(on) > 0 else float("nan")

    def rests_on_own_fruit(self, classifier: Classifier) -> bool:
        """Whether each class score falls more without its own fruit than without the other."""
        scene = self.shot.scene
        edited = [self.shot.of(without(scene, fruit.name)) for fruit in scene.fruits]
        left = logits_of_shots(classifier, edited)[:, list(self.classes)]
        return bool(left[0, 0] < left[1, 0]) and bool(left[1, 1] < left[0, 1])
