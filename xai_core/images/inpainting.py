"""Inpainting: removed pixels as the weighted mean of their neighbours, by a fast solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
TOLERANCE = 1e-3
LONGEST = 100
_DAMPING = np.float32(0.8)


def inpainted(image: Floats, removed: Bools) -> Floats:
    """An image (C, H, W) with each removed pixel (H, W) the weighted mean of its neighbours.

    Weights are 1/6 for direct and 1/12 for diagonal neighbours, fewer at the border; removed
    neighbours take part with the values that solve the whole system (to 1e-3 of a unit). Where
    nothing is left, 0. Conjugate gradients, preconditioned by one multigrid V-cycle each.
    """
    if removed.all():
        return np.zeros_like(image)
    known = image * ~removed
    levels = _levels(removed)
    finest = levels[0]
    solution = np.zeros_like(known)
    residual = finest.hole * _neighbours(known)
    direction, energy = np.zeros_like(known), np.ones((len(image), 1, 1), np.float32)
    for _ in range(LONGEST):
        step = _cycle(residual, levels)
        before, energy = energy, _dot(residual, step)
        direction *= energy / np.maximum(before, 1e-30)
        direction += step
        moved = finest.operator(direction)
        length = energy / np.maximum(_dot(direction, moved), 1e-30)
        solution += length * direction
        residual -= length * moved
        if float(np.abs(step).max()) < TOLERANCE:
            break
    return known + solution


@dataclass(frozen=True)
class _Level:
    """One resolution: where pixels are removed (H, W), and the system's diagonal there."""

    hole: Floats
    diagonal: Floats
    damping: Floats

    def operator(self, values: Floats) -> Floats:
        moved = self.diagonal * values
        moved -= _neighbours(values)
        moved *= self.hole
        return moved

    def smoothed(self, values: Floats, residual: Floats) -> Floats:
        """One damped Jacobi step."""
        return values + residual * (self.damping)


def _levels(removed: Bools) -> list[_Level]:
    """From the image down: a coarse pixel is removed where all four of its pixels are."""
    levels = []
    while True:
        hole = removed.astype(np.float32)
        diagonal = _neighbours(np.ones_like(hole))
        levels.append(_Level(hole, diagonal, _DAMPING * hole / diagonal))
        height, width = removed.shape
        if min(height, width) < 4 or not removed.any():
            return levels
        even = np.pad(removed, ((0, height % 2), (0, width % 2)), mode="edge")
        removed = even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]


def _cycle(residual: Floats, levels: list[_Level]) -> Floats:
    """About the inverse of the system applied to the residual: smooth, correct coarsely, smooth."""
    level, *coarser = levels
    values = residual * level.damping
    if coarser and coarser[0].hole.any():
        left = residual - level.operator(values)
        correction = _cycle(coarser[0].hole * _coarser(left), coarser)
        height, width = residual.shape[1:]
        values += level.hole * _finer(correction, height, width)
    return level.smoothed(values, residual - level.operator(values))


def _neighbours(values: Floats) -> Floats:
    """Sum over the 8 neighbours, 2 for direct and 1 for diagonal ones, 0 outside."""
    rows = values + values
    rows[..., 1:] += values[..., :-1]
    rows[..., :-1] += values[..., 1:]
    total = rows + rows
    total[..., 1:, :] += rows[..., :-1, :]
    total[..., :-1, :] += rows[..., 1:, :]
    total -= 4 * values
    return total


def _dot(first: Floats, second: Floats) -> Floats:
    dots: Floats = np.einsum("chw,chw->c", first, second)[:, None, None]
    return dots


def _finer(values: Floats, height: int, width: int) -> Floats:
    """Twice the resolution, linearly interpolated between the centres of pixels."""
    rows = _blank(values, 2 * values.shape[1], values.shape[2])
    _stretch(rows.swapaxes(0, 1), values.swapaxes(0, 1))
    both = _blank(values, rows.shape[1], 2 * values.shape[2])
    _stretch(both.transpose(2, 0, 1), rows.transpose(2, 0, 1))
    return both[:, :height, :width]


def _coarser(values: Floats) -> Floats:
    """Half the resolution, the adjoint of `_finer`: sums, not means."""
    _, height, width = values.shape
    values = np.pad(values, ((0, 0), (0, height % 2), (0, width % 2)))
    rows = _blank(values, values.shape[1] // 2, values.shape[2])
    _gather(rows.swapaxes(0, 1), values.swapaxes(0, 1))
    both = _blank(values, rows.shape[1], rows.shape[2] // 2)
    _gather(both.transpose(2, 0, 1), rows.transpose(2, 0, 1))
    return both


def _blank(like: Floats, height: int, width: int) -> Floats:
    return np.empty((len(like), height, width), np.float32)


def _stretch(wide: Floats, values: Floats) -> None:
    """Fills `wide` (2 n, ...) from `values` (n, ...): 3/4 of the pixel, 1/4 of the one beside."""
    near, far = np.float32(0.75) * values, np.float32(0.25) * values
    wide[0::2] = near
    wide[1::2] = near
    wide[2::2] += far[:-1]
    wide[0] += far[0]
    wide[1:-1:2] += far[1:]
    wide[-1] += far[-1]


def _gather(narrow: Floats, values: Floats) -> None:
    """Fills `narrow` (n, ...) from `values` (2 n, ...), the adjoint of `_stretch`."""
    even, odd = values[0::2], values[1::2]
    np.add(even, odd, out=narrow)
    narrow *= 3
    narrow[:-1] += even[1:]
    narrow[0] += even[0]
    narrow[1:] += odd[:-1]
    narrow[-1] += odd[-1]
    narrow *= np.float32(0.25)
