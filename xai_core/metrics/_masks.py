"""Object masks: what every localisation metric checks, and how it names what is undefined."""

from __future__ import annotations

import torch
from torch import Tensor

from xai_core.metrics.base import Case, Scores

NO_MASK = "the image has no mask of the object"


def masks_of(case: Case) -> Tensor:
    """(N, H, W) bool on the maps' device; raises ValueError where they are absent or misshapen."""
    if case.masks is None:
        raise ValueError("this metric needs masks of the object, which this data set lacks")
    if case.masks.shape != case.maps.shape:
        raise ValueError(
            f"masks must have the maps' shape {tuple(case.maps.shape)}, "
            f"got {tuple(case.masks.shape)}"
        )
    return case.masks.to(case.maps.device, torch.bool)


def with_reasons(case: Case, values: Tensor, undefined: Tensor, reason: str) -> Scores:
    """Scores that are NaN, with the reason, where `undefined` (N,) or where a mask is empty."""
    empty = ~masks_of(case).flatten(1).any(dim=1)
    values = values.masked_fill(empty | undefined, torch.nan).float()
    reasons = tuple(
        NO_MASK if no_mask else reason if bad else ""
        for no_mask, bad in zip(empty.tolist(), undefined.tolist(), strict=True)
    )
    return Scores(values, reasons)
