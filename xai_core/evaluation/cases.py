"""Cases: a unit's images as the model sees them, and one method's maps on them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from xai_core.evaluation.dataset import Item, framed_mask
from xai_core.evaluation.faults import part_of_case, scored, spread, undefined
from xai_core.evaluation.masks import BadMask
from xai_core.images.reading import Framing, Photo
from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Metric, Scores
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.orchard.shot import Shot


class Empty:
    """A unit none of whose images can be used."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A unit's images, ready for the model, with their masks and labelled classes."""

    photos: list[tuple[Item, Photo]]
    batch: Batch
    targets: Tensor
    masks: Tensor
    mask_fractions: list[float | None]
    mask_problems: list[str]
    forward_seconds: float
    shots: tuple[Shot, ...] | None

    @classmethod
    def of(
        cls, classifier: Classifier, photos: list[tuple[Item, Photo]], framing: Framing
    ) -> Loaded:
        batch = Batch.of(classifier, [photo for _, photo in photos], framing)
        start = time.perf_counter()
        predicted = batch.predicted
        guesses = predicted.tolist()  # only now a GPU has finished
        forward_seconds = (time.perf_counter() - start) / len(batch)
        labels = [item.label for item, _ in photos]
        pairs = zip(labels, guesses, strict=True)
        targets = torch.tensor([guess if label is None else label for label, guess in pairs])
        shots = [item.read_shot() if item.read_shot else None for item, _ in photos]
        masks, fractions, problems = [], [], []
        for item, photo in photos:
            mask, problem = None, ""
            try:
                mask = item.mask(photo)
            except BadMask as error:
                problem = str(error)
            shape = classifier.form.shape[1:]
            seen = (
                np.zeros(shape, bool)
                if mask is None
                else framed_mask(mask, classifier.form, framing)
            )
            masks.append(torch.from_numpy(seen.copy()))
            fractions.append(None if mask is None else round(float(seen.mean()), 6))
            problems.append(problem)
        return cls(
            photos,
            batch,
            targets.to(predicted.device),
            torch.stack(masks).to(predicted.device),
            fractions,
            problems,
            forward_seconds,
            tuple(shot for shot in shots if shot) if all(shots) else None,
        )

    @property
    def has_mistakes(self) -> bool:
        return bool((self.targets != self.batch.predicted).any())


@dataclass(frozen=True, eq=False)
class Mapped:
    """One method's maps (N, H, W) on a unit; `failures` (N,) say why an image has none.

    `case` is what metrics score: the images that have a map.
    """

    maps: Tensor
    seconds: float
    failures: tuple[str, ...]
    targets: Tensor = field(default_factory=lambda: torch.empty(0))
    case: Case | None = None

    @property
    def found(self) -> list[int]:
        """The places of the images that have a map."""
        return [place for place, failure in enumerate(self.failures) if not failure]

    def replaced(self, index: Tensor, other: Mapped) -> Mapped:
        """These maps with those at `index` taken from `other`."""
        maps, failures = self.maps.clone(), list(self.failures)
        maps[index] = other.maps
        for place, failure in zip(index.tolist(), other.failures, strict=True):
            failures[place] = failure
        return replace(self, maps=maps, failures=tuple(failures))

    def on(self, loaded: Loaded, targets: Tensor, method: Method) -> Mapped:
        """The same with the case that metrics score."""
        case = Case(loaded.batch, targets, self.maps, method, loaded.masks, loaded.shots)
        if len(self.found) < len(self.failures):
            return replace(self, targets=targets, case=self._part(case))
        return replace(self, targets=targets, case=case)

    def score(self, metric: Metric) -> Scores:
        """Scores (N,), undefined with the reason where there is no map."""
        if self.case is None:
            return undefined(self.failures)
        scores = scored(metric, self.case)
        if len(self.found) == len(self.failures):
            return scores
        return spread(scores, self.found, self.failures)

    def _part(self, case: Case) -> Case | None:
        return part_of_case(case, self.found) if self.found else None
