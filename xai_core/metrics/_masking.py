"""Explanation images: the image multiplied by its map, and what the model says to them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from xai_core.metrics._perturb import logits_of
from xai_core.metrics.base import Case, Scores, Work

MASKED_WORK = (Work("masked_probability", 1),)
NOTHING_LEFT = "the map has no positive value"
CONSTANT = "the map is the same everywhere, so it cannot be scaled from 0 to 1"


def weights_of(case: Case) -> Tensor:
    """(N, H, W) maps from 0 to 1; zero where that cannot be: see `empty`.

    An unsigned map M is (M - min M) / (max M - min M), as in the papers. A signed one is
    max(M, 0) / max M: its zero means no evidence, and its minimum evidence against the class.
    """
    positive = case.maps.clamp(min=0)
    if not case.method.signed:
        positive = positive - positive.amin(dim=(1, 2), keepdim=True)
    return positive / positive.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo().tiny)


def empty(case: Case, weights: Tensor) -> tuple[Tensor, str]:
    """(N,) where a map leaves nothing of the image, and the reason for it."""
    return weights.amax(dim=(1, 2)) <= 0, NOTHING_LEFT if case.method.signed else CONSTANT


def masked_images(case: Case) -> Tensor:
    """(N, 3, H, W): normalised images times their weights, so towards the data's mean colour."""
    return case.batch.images * weights_of(case)[:, None]


def masked_probability(case: Case) -> Tensor:
    """(N,) probability of the target on the explanation images, once per case."""
    return cast(
        Tensor,
        case.once(
            "masked_probability",
            lambda: case.probability(logits_of(case.batch, masked_images(case))),
        ),
    )


def masked_scores(case: Case, values: Tensor) -> Scores:
    """Scores that are NaN, with the reason, where the map leaves nothing of the image."""
    weights = weights_of(case)
    nothing, why = empty(case, weights)
    reasons = tuple(why if none else "" for none in nothing.tolist())
    removed = 1 - weights.mean(dim=(1, 2))
    return Scores(values.masked_fill(nothing, torch.nan), reasons, removed=removed)
