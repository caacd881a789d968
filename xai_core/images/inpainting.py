"""Inpainting: removed pixels as the weighted mean of their neighbours, by a fast solver."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
TOLERANCE = 1e-3
LONGEST = 100
_DAMPING = np.float32(0.8)
_WEIGHTS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32)
_GATHERED = np.array([0.25, 0.75, 0.75, 0.25], np.float32)


def inpainted(image: Floats, removed: Bools) -> Floats:
    """An image (C, H, W) with each removed pixel (H, W) the weighted mean of its neighbours.

    Weights are 1/6 for direct and 1/12 for diagonal neighbours, fewer at the border; removed
    neighbours take part with the values that solve the whole system (to 1e-3 of a unit). Where
    nothing is left, 0. Conjugate gradients, preconditioned by one multigrid V-cycle each.
    """
    if removed.all():
        return np.zeros_like(image)
    known = np.ascontiguousarray((image * ~removed).transpose(1, 2, 0))
    levels = _levels(removed, len(image))
    finest = levels[0]
    solution, direction, energy = np.zeros_like(known), np.zeros_like(known), 1.0
    residual = finest.hole * _neighbours(known)
    for _ in range(LONGEST):
        step = _cycle(residual, levels)
        before, energy = energy, _dot(residual, step)
        direction *= np.float32(energy / max(before, 1e-30))
        direction += step
        moved = finest.operator(direction)
        length = np.float32(energy / max(_dot(direction, moved), 1e-30))
        solution += length * direction
        moved *= length
        residual -= moved
        if max(float(step.max()), -float(step.min())) < TOLERANCE:
            break
    return np.ascontiguousarray((known + solution).transpose(2, 0, 1))


@dataclass(frozen=True)
class _Level:
    """One resolution: where pixels are removed, and the system's diagonal there (H, W, C).

    Its vectors are 0 wherever nothing is removed.
    """

    hole: Floats
    diagonal: Floats
    damping: Floats

    def operator(self, values: Floats) -> Floats:
        around = _neighbours(values)
        around *= self.hole
        return self.diagonal * values - around

    def first_smoothed(self, residual: Floats) -> tuple[Floats, Floats]:
        """One damped Jacobi step from 0, and what is left: r - A v, where A v has 0.8 r."""
        values = residual * self.damping
        left = _neighbours(values)
        left *= self.hole
        left += (1 - _DAMPING) * residual
        return values, left

    def smoothed(self, values: Floats, residual: Floats) -> Floats:
        """One damped Jacobi step, v + d (r - A v): d times the diagonal is 0.8 in the hole."""
        moved = _neighbours(values)
        moved += residual
        moved *= self.damping
        moved += (1 - _DAMPING) * values
        return moved


def _levels(removed: Bools, channels: int) -> list[_Level]:
    """From the image down: a coarse pixel is removed where all four of its pixels are."""
    levels = []
    while True:
        hole = removed.astype(np.float32)
        diagonal = _neighbours(np.ones_like(hole))
        parts = (hole, diagonal, _DAMPING * hole / diagonal)
        levels.append(_Level(*(_repeated(part, channels) for part in parts)))
        height, width = removed.shape
        if min(height, width) < 4 or not removed.any():
            return levels
        even = np.pad(removed, ((0, height % 2), (0, width % 2)), mode="edge")
        removed = even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]


def _repeated(values: Floats, channels: int) -> Floats:
    """(H, W) -> (H, W, C)."""
    return np.asarray(cv2.merge([values] * channels)).reshape(*values.shape, channels)


def _cycle(residual: Floats, levels: list[_Level]) -> Floats:
    """About the inverse of the system applied to the residual: smooth, correct coarsely, smooth."""
    level, *coarser = levels
    values, left = level.first_smoothed(residual)
    if coarser and coarser[0].hole.any():
        correction = _cycle(coarser[0].hole * _coarser(left), coarser)
        finer = _finer(correction, *residual.shape[:2])
        values += level.hole * finer
    return level.smoothed(values, residual)


def _neighbours(values: Floats) -> Floats:
    """Sum over the 8 neighbours, 2 for direct and 1 for diagonal ones, 0 outside."""
    around = cv2.filter2D(values, cv2.CV_32F, _WEIGHTS, borderType=cv2.BORDER_CONSTANT)
    found: Floats = around.reshape(values.shape)  # OpenCV drops a single channel
    return found


def _dot(first: Floats, second: Floats) -> float:
    return float(np.dot(first.ravel(), second.ravel()))


def _finer(values: Floats, height: int, width: int) -> Floats:
    """Twice the resolution, linearly interpolated between the centres of pixels."""
    rows, columns, channels = values.shape
    wide = cv2.resize(values, (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR)
    found: Floats = wide.reshape(2 * rows, 2 * columns, channels)[:height, :width]
    return found


def _coarser(values: Floats) -> Floats:
    """Half the resolution, the adjoint of `_finer`: sums, not means."""
    height, width, _ = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    summed = cv2.sepFilter2D(
        values, cv2.CV_32F, _GATHERED, _GATHERED, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(summed.reshape(*values.shape)[::2, ::2])
