"""The printed patterns of the sticker."""

from __future__ import annotations

import math

import torch
from torch import Tensor

PATTERNS = ("rings", "cross", "halves", "dots", "star", "checks")
_COLOURS = (
    ((0.10, 0.25, 0.80), (0.97, 0.97, 0.97)),
    ((0.85, 0.12, 0.50), (0.98, 0.95, 0.75)),
    ((0.05, 0.05, 0.07), (0.10, 0.75, 0.95)),
    ((0.95, 0.95, 0.95), (0.10, 0.55, 0.55)),
    ((0.45, 0.15, 0.65), (0.75, 0.95, 0.60)),
    ((0.90, 0.40, 0.05), (0.12, 0.15, 0.35)),
)


def sticker_colour(pattern: int, u: Tensor, v: Tensor) -> Tensor:
    """(3,N) sRGB colours at disc coordinates (right, up) in -1..1; raises for unknown patterns."""
    if not 0 <= pattern < len(PATTERNS):
        raise ValueError(f"Sticker.pattern must be 0..{len(PATTERNS) - 1}, got {pattern}")
    radius, angle = torch.sqrt(u * u + v * v), torch.atan2(v, u)
    ink = {
        "rings": torch.remainder(radius * 2.6, 1) > 0.5,
        "cross": torch.minimum(u.abs(), v.abs()) < 0.2,
        "halves": u * 0.5 + v < 0,
        "dots": (torch.remainder(u * 2, 1) - 0.5) ** 2 + (torch.remainder(v * 2, 1) - 0.5) ** 2
        < 0.09,
        "star": radius < 0.5 + 0.3 * torch.cos(5 * angle),
        "checks": torch.sin(u * 2 * math.pi) * torch.sin(v * 2 * math.pi) > 0,
    }[PATTERNS[pattern]]
    first, second = (torch.tensor(colour)[:, None] for colour in _COLOURS[pattern])
    return torch.where(ink & (radius < 0.88), first, second)
