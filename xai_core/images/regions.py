"""Regions: sums, means and maxima of maps over superpixels."""

from __future__ import annotations

import torch
from torch import Tensor


def region_sums(values: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (N, T, R) of maps (N, T, H, W) over the regions of `segments` (N, H, W), sizes (N, R).

    R is the largest number of regions in the batch; missing regions have size and sum 0.
    """
    count = int(segments.max()) + 1
    flat = segments.flatten(1)
    sizes = torch.zeros(len(flat), count, dtype=values.dtype, device=values.device)
    sizes.scatter_add_(1, flat, torch.ones_like(flat, dtype=values.dtype))
    sums = torch.zeros(*values.shape[:2], count, dtype=values.dtype, device=values.device)
    sums.scatter_add_(2, flat[:, None].expand(-1, values.shape[1], -1), values.flatten(2))
    return sums, sizes


def region_means(values: Tensor, segments: Tensor) -> Tensor:
    """Maps (N, T, H, W) with every pixel replaced by the mean of its region."""
    sums, sizes = region_sums(values, segments)
    means = sums / sizes.clamp(min=1)[:, None]
    flat = segments.flatten(1)[:, None].expand(-1, values.shape[1], -1)
    return means.gather(2, flat).view_as(values)


def region_maxima(values: Tensor, segments: Tensor) -> Tensor:
    """Maps (N, T, H, W) with every pixel replaced by the maximum of its region."""
    flat = segments.flatten(1)[:, None].expand(-1, values.shape[1], -1)
    count = int(segments.max()) + 1
    maxima = torch.full((*values.shape[:2], count), -torch.inf, dtype=values.dtype).to(values)
    maxima.scatter_reduce_(2, flat, values.flatten(2), reduce="amax")
    return maxima.gather(2, flat).view_as(values)
