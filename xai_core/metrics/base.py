"""Metric: the one interface of everything that scores a map; Case: what it is given."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from xai_core.methods.base import Method
from xai_core.models.batch import Batch, image_seed
from xai_core.models.classifier import Classifier
from xai_core.recipe import Recipe

if TYPE_CHECKING:
    from xai_core.orchard.shot import Shot

Kind = Literal["faithfulness", "localisation", "stability", "ground truth", "descriptive", "check"]
RANKED: tuple[Kind, ...] = ("faithfulness", "localisation", "stability", "ground truth")
TIE_SEED = 0


@dataclass(frozen=True, eq=False)
class Case:
    """One method's maps (N, H, W) for targets (N,) on one batch, with masks (N, H, W) if known.

    `shots` (N,) say how each image was drawn, where that is known: it can be drawn again.
    """

    batch: Batch
    targets: Tensor
    maps: Tensor
    method: Method
    masks: Tensor | None = None
    shots: tuple[Shot, ...] | None = None
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """What `compute` gives, computed on the first call with this key only."""
        if key not in self._kept:
            self._kept[key] = compute()
        return self._kept[key]

    def of_target(self, logits: Tensor) -> Tensor:
        """The target's entry of logits or probabilities (N, ..., K): (N, ...)."""
        targets = self.targets.view(-1, *([1] * (logits.ndim - 1)))
        return logits.gather(-1, targets.expand(*logits.shape[:-1], 1))[..., 0]

    def probability(self, logits: Tensor) -> Tensor:
        """Logits (N, ..., K) -> the target's probability (N, ...), as the model means it."""
        return self.of_target(self.batch.classifier.probabilities(logits))

    @cached_property
    def start(self) -> Tensor:
        """(N,) probability of the target on the whole image."""
        return self.of_target(self.batch.probabilities)

    @cached_property
    def ranks(self) -> Tensor:
        """(N, H*W) int64: 0 for the pixel with the largest value, ties broken at random.

        The tie-break depends on the image alone, so it is the same for all methods.
        """
        flat = self.maps.flatten(1)
        ranks = torch.empty(flat.shape, dtype=torch.int64, device=flat.device)
        for index, values in enumerate(flat):
            seed = image_seed(TIE_SEED, self.batch.sha256s[index])
            shuffle = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
            shuffle = shuffle.to(values.device)
            order = shuffle[values[shuffle].argsort(descending=True, stable=True)]
            ranks[index, order] = torch.arange(len(values), device=values.device)
        return ranks


@dataclass(frozen=True)
class Scores:
    """`values` (N,), NaN where undefined; `reasons` (N,) say why, "" where defined.

    `curves` are (N, P) each, over the exact fractions (P,) or (N, P) of pixels removed (or
    revealed, for insertion); `removed` (N,) is the largest fraction of pixels that was replaced.
    """

    values: Tensor
    reasons: tuple[str, ...] = ()
    curves: Mapping[str, Tensor] = field(default_factory=dict)
    fractions: Tensor | None = None
    removed: Tensor | None = None


class Work(NamedTuple):
    """A piece of work: forward passes per image, once per map or (not `per_map`) per image."""

    name: Hashable
    passes: float
    per_map: bool = True


@dataclass(frozen=True)
class Metric(Recipe):
    """A configured metric: scores per image, never averaged."""

    kind: ClassVar[Kind]
    higher_is_better: ClassVar[bool | None]  # None for descriptive metrics and checks
    formula: ClassVar[str]  # LaTeX
    caveat: ClassVar[str]  # when it misleads, one sentence for people
    bounds: ClassVar[tuple[float, float]]
    needs_masks: ClassVar[bool] = False
    reruns_method: ClassVar[bool] = False  # then costly methods are scored on fewer images
    needs_shots: ClassVar[bool] = False
    needs_probabilities: ClassVar[bool] = False

    def unfit(self, classifier: Classifier) -> str | None:
        """Why this metric cannot score maps of that model, in one sentence; None where it can."""
        if self.needs_probabilities and classifier.outputs == "none":
            return f"{self.title} needs probabilities, and {classifier.name} gives plain values"
        if not classifier.is_repeatable and not classifier.allow_random:
            return (
                f"{self.title} compares passes, and {classifier.name} answers the same image "
                "differently each time (dropout or another random step is always on); switch it "
                "off, or allow it with --allow-random"
            )
        return None

    def passes(self, classifier: Classifier, method: Method) -> float:
        """Forward passes per image, the method's own included where it runs again.

        The pass on the whole image is not counted: all methods and metrics share it.
        """
        return sum(work.passes for work in self.work(classifier, method))

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        """What `passes` is made of; metrics that name the same piece of work share it."""
        return ()

    def score(self, case: Case) -> Scores:
        """The score of each map; raises ValueError where it does not fit or masks are absent."""
        reason = self.unfit(case.batch.classifier)
        if reason:
            raise ValueError(reason)
        if self.needs_masks and case.masks is None:
            raise ValueError(f"{self.title} needs masks of the object, which this data set lacks")
        if self.needs_shots and case.shots is None:
            raise ValueError(f"{self.title} needs scenes that can be drawn again: use Orchard's")
        if case.method.knows_truth:
            answer = self.known_answer(case)
            if answer is None:
                undefined = torch.full((len(case.batch),), torch.nan)
                return Scores(undefined, ("the true map is not known here",) * len(case.batch))
            case = replace(case, maps=answer, _kept={})
        return self._explained(case, self._score(case))

    def _explained(self, case: Case, scores: Scores) -> Scores:
        """The scores with a reason for each that is not finite, which is NaN then."""
        told = list(scores.reasons or ("",) * len(case.batch))
        finite = scores.values.isfinite()
        if bool(finite.all()):
            return replace(scores, reasons=tuple(told))
        is_sound = case.batch.logits.isfinite().all(dim=1).tolist()
        for place in (~finite).nonzero()[:, 0].tolist():
            of_network = "the model's outputs for this image are not finite"
            own = f"{self.title} is not finite here"
            told[place] = (told[place] or own) if is_sound[place] else of_network
        values = scores.values.where(finite, torch.nan)
        return replace(scores, values=values, reasons=tuple(told))

    def known_answer(self, case: Case) -> Tensor | None:
        """The map (N, H, W) that is right by construction, the ceiling; None where unknown."""
        if self.kind != "localisation" or case.masks is None:
            return None
        return case.masks.to(case.maps.device, torch.float32)

    def _score(self, case: Case) -> Scores:
        raise NotImplementedError
