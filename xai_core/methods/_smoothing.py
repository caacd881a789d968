"""Gaussian smoothing along the rows and then the columns."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

TRUNCATE = 4.0
"""Where the Gaussian ends, in standard deviations."""


def smoothed(values: Tensor, sigma_px: float) -> Tensor:
    """Values (N, C, H, W) convolved with a Gaussian; the border is mirrored."""
    for axis in (2, 3):
        side = values.shape[axis]
        radius = min(math.ceil(TRUNCATE * sigma_px), side - 1)
        offsets = torch.arange(-radius, radius + 1, device=values.device, dtype=values.dtype)
        kernel = torch.exp(-(offsets**2) / (2 * sigma_px**2))
        kernel = kernel / kernel.sum()
        lines = values.transpose(axis, 3)
        shape = lines.shape
        padded = functional.pad(lines.reshape(-1, 1, side), (radius, radius), mode="reflect")
        smooth = functional.conv1d(padded, kernel[None, None])
        values = smooth.view(shape).transpose(axis, 3)
    return values.contiguous()
