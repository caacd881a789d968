"""What methods on a stage's feature maps share: activations, the rest of the model, gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods._gradients import leaf, no_gradients
from xai_core.methods._tokens import is_transformer, token_stage
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting

Rest = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class StageMethod(Method):
    """A method on a stage's feature maps."""

    cost = 1
    stage: str = setting("", "stage of the model to look at; empty for the last one")

    def unfit(self, classifier: Classifier) -> str | None:
        return no_stage(classifier, self.stage)


class StageGradientMethod(StageMethod):
    """A method on a stage's feature maps and the target's gradient there."""

    def unfit(self, classifier: Classifier) -> str | None:
        return super().unfit(classifier) or no_gradients(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1 if is_last(classifier, self.stage) else 3

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        return self._combined(*stage_gradients(batch, targets, self.stage))

    def _combined(self, activations: Tensor, gradients: Tensor) -> Tensor:
        """Activations (N, C, h, w) and gradients (N, T, C, h, w) -> maps (N, T, h, w)."""
        raise NotImplementedError


def no_stage(classifier: Classifier, stage: str) -> str | None:
    """Why the model has no such stage ("" is its last), or None where it has."""
    if not classifier.stages:
        return f"{classifier.name} shows no feature maps with height and width: {_why(classifier)}"
    if stage == "" or stage in classifier.stages:
        return None
    return f"{classifier.name} has no stage {stage!r}; it has: {', '.join(classifier.stages)}"


def _why(classifier: Classifier) -> str:
    reason = classifier.untraceable or "none of its parts follows what moves in the image"
    return f"{reason}. Use lime, occlusion or rise."


def captum_sees(classifier: Classifier, stage: str) -> bool:
    """Whether the stage's own module gives (N, C, h, w), in a model that is traced."""
    if stage == "" and is_transformer(classifier):
        return False
    return classifier.way == "traced" and classifier.layout_of(stage).kind == "NCHW"


def is_last(classifier: Classifier, stage: str) -> bool:
    """Whether only pooling and one linear layer follow on the stage."""
    return classifier.head is not None and stage in ("", classifier.stage)


def stage_and_rest(batch: Batch, stage: str = "") -> tuple[Tensor, Rest]:
    """Activations (N, C, h, w) of a stage and `rest(activations (B, C, h, w), index (B,))`.

    `rest` gives the logits (B, K) of images `index` with their activations replaced. The last
    stage of a vision transformer is the grid of tokens that enters its last attention.
    """
    classifier = batch.classifier
    if stage == "" and is_transformer(classifier):
        return token_stage(batch)

    def rest(activations: Tensor, index: Tensor) -> Tensor:
        return classifier.logits_from(activations, batch.images[index], stage)

    return batch.stage_activations(stage), rest


def stage_gradients(batch: Batch, targets: Tensor, stage: str = "") -> tuple[Tensor, Tensor]:
    """Activations (N, C, h, w) of a stage and d logit_c / d activations (N, T, C, h, w).

    One backward pass from the logits to the stage for each of the T targets (N, T).
    """
    activations, rest = stage_and_rest(batch, stage)
    everyone = torch.arange(len(batch), device=targets.device)
    with torch.enable_grad():
        start = leaf(activations)
        scores = rest(start.clone(), everyone).gather(1, targets)  # the rest may work in place
        last = scores.shape[1] - 1
        gradients = [
            torch.autograd.grad(column.sum(), start, retain_graph=index < last)[0]
            for index, column in enumerate(scores.unbind(1))
        ]
    return start.detach(), torch.stack(gradients, dim=1)


def weighted_sum(weights: Tensor, activations: Tensor) -> Tensor:
    """sum_k w_k f_k: weights (N, T, C) and activations (N, C, h, w) -> maps (N, T, h, w)."""
    grid = activations.shape[2:]
    return (weights @ activations.flatten(2)).view(*weights.shape[:2], *grid)


def liveliest(activations: Tensor, count: int) -> Tensor:
    """The `count` channels of (C, h, w) that vary most over the grid, most first; 0: all."""
    spread = activations.flatten(1).var(dim=1, correction=0)
    return spread.argsort(descending=True, stable=True)[: count or None]


def used_channels(classifier: Classifier, stage: str, wanted: int) -> int:
    """How many channels a method uses that wants `wanted` (0: all) of a stage's channels."""
    if is_last(classifier, stage) and classifier.head is not None:
        count = classifier.head.in_features
        return min(wanted, count) if wanted else count
    with torch.no_grad():
        images = torch.zeros(1, *classifier.form.shape, device=classifier.device)
        probe = Batch(classifier, images, ["probe"])
        count = stage_and_rest(probe, stage)[0].shape[1]
    return min(wanted, count) if wanted else count
