"""Smooth, repeatable noise in three dimensions, and random numbers per grid cell."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch import Tensor

_PERIOD = 32


@functools.cache
def _volume() -> Tensor:
    """(1,1,33,33,33) lattice of values in -1..1 that repeats every 32 cells."""
    values = np.random.default_rng(20240607).uniform(-1, 1, (_PERIOD,) * 3).astype(np.float32)
    return torch.from_numpy(np.pad(values, (0, 1), mode="wrap"))[None, None]


@functools.cache
def _table() -> Tensor:
    return torch.from_numpy(np.random.default_rng(77).random(4096, dtype=np.float32))


def noise(points: Tensor, seed: int = 0) -> Tensor:
    """(3,N) points -> (N,) values in -1..1 with features about one unit wide."""
    shifted = points + torch.tensor([[seed % 29 * 1.37], [seed % 31 * 2.11], [seed % 23 * 0.73]])
    cell = torch.floor(shifted)
    fraction = shifted - cell
    # the cubic fade hides the lattice that plain linear interpolation would show
    faded = torch.remainder(cell, _PERIOD) + fraction * fraction * (3 - 2 * fraction)
    grid = (faded * (2 / _PERIOD) - 1).T[None, None, None]
    return torch.nn.functional.grid_sample(
        _volume(), grid, mode="bilinear", padding_mode="border", align_corners=True
    ).reshape(-1)


def layered(points: Tensor, layers: int, seed: int = 0) -> Tensor:
    """(3,N) points -> (N,) sum of noise at doubling frequencies, about -1..1."""
    total = noise(points, seed)
    weight, norm = 1.0, 1.0
    for layer in range(1, layers):
        weight *= 0.5
        norm += weight * 0.7
        total = total + weight * noise(points * 2.03**layer, seed + layer * 7)
    return total / norm


def per_cell(first: Tensor, second: Tensor, seed: int = 0) -> Tensor:
    """A random number in 0..1 for each integer cell (given as float tensors)."""
    index = first.to(torch.int64) * 73 + second.to(torch.int64) * 1171 + seed * 389
    return _table()[torch.remainder(index * (index + 11), 4093)]


def plane(first: Tensor, second: Tensor, third: float = 0.0) -> Tensor:
    """(3,N) points of a plane, to feed flat textures to `noise`."""
    return torch.stack([first, second, torch.full_like(first, third)])


def smooth(low: float, high: float, values: Tensor) -> Tensor:
    """0 below `low`, 1 above `high`, a smooth step between (also with low > high)."""
    t = ((values - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def pits(points: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Nearest of one random dot per unit cell: (N,) distance to it and (N,) its number in 0..1."""
    cell = torch.floor(points + 0.5)
    x, y, z = cell
    numbers = [per_cell(x + 57 * z, y - 31 * z, seed + shift) for shift in (1, 2, 3)]
    jitter = torch.stack(numbers) * 0.6 - 0.3
    return (points - cell - jitter).norm(dim=0), numbers[0]


def turned(first: Tensor, second: Tensor, degrees: float) -> tuple[Tensor, Tensor]:
    """Coordinates of a plane turned by an angle."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return cos * first + sin * second, cos * second - sin * first
