"""Explanation images: the picture multiplied by its map, and what the network says to them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from xai_core.metrics._base import Case, Scores, Work
from xai_core.metrics._perturb import logits_of

MASKED_WORK = (Work("masked_probability", 1),)
NOTHING_LEFT = "the map has no positive value"


def weights_of(case: Case) -> Tensor:
    """(N, H, W) max(M, 0) / max M, from 0 to 1; zero where a map has no positive value."""
    positive = case.maps.clamp(min=0)
    return positive / positive.amax(dim=(1, 2), keepdim=True).clamp(min=torch.finfo().tiny)


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
    """Scores that are NaN, with the reason, where the map has no positive value."""
    weights = weights_of(case)
    empty = weights.amax(dim=(1, 2)) <= 0
    reasons = tuple(NOTHING_LEFT if none else "" for none in empty.tolist())
    removed = 1 - weights.mean(dim=(1, 2))
    return Scores(values.masked_fill(empty, torch.nan), reasons, removed=removed)
