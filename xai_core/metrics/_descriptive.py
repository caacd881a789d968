"""What the metrics that describe a map's style share."""

from __future__ import annotations

import torch
from torch import Tensor

from xai_core.metrics.base import Case


def share_of_magnitude(case: Case) -> tuple[Tensor, tuple[str, ...]]:
    """|M| / sum |M| per pixel (N, H*W) float64, NaN with a reason for a map of zeros."""
    magnitude = case.maps.flatten(1).double().abs()
    total = magnitude.sum(dim=1, keepdim=True)
    share = torch.where(total > 0, magnitude / total, torch.nan)
    reasons = tuple(
        "" if some else "the map is zero everywhere" for (some,) in (total > 0).tolist()
    )
    return share, reasons
