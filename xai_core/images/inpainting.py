"""Inpainting: removed pixels as the weighted mean of their neighbours, by a fast solver."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
TOLERANCE = 1e-3
LONGEST = 100
_FEWEST = 64
"""So many pixels are solved for directly."""
_WEIGHTS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32)


def inpainted(image: Floats, removed: Bools) -> Floats:
    """An image (H, W, C) with each removed pixel (H, W) the weighted mean of its neighbours.

    Weights are 1/6 for direct and 1/12 for diagonal neighbours, fewer at the border; removed
    neighbours take part with the values that solve the whole system (to 1e-3 of a unit, where both
    sides are 4 pixels or more). Where nothing is left, 0. Conjugate gradients, preconditioned by
    one multigrid V-cycle each; the flexible ones (Notay, SIAM J. Sci. Comput. 2000), as the cycle
    is not quite symmetric.
    """
    if removed.all():
        return np.zeros_like(image)
    levels = _levels(removed, image.shape[2])
    finest = levels[0]
    solution = np.ascontiguousarray(image) * (1 - finest.hole)
    residual = finest.around(solution)
    direction, moved = np.zeros_like(solution), np.zeros_like(solution)
    energy, length = 1.0, 0.0
    for _ in range(LONGEST):
        step = _cycle(residual, levels)
        if cv2.norm(_flat(step), cv2.NORM_INF) < TOLERANCE / 2:
            solution += step
            break
        turn = length * _dot(step, moved) / energy
        _add(step, -turn, direction, out=direction)
        moved = finest.operator(direction)
        energy = max(_dot(residual, step), 1e-30)
        length = energy / max(_dot(direction, moved), 1e-30)
        _add(solution, length, direction, out=solution)
        _add(residual, -length, moved, out=residual)
    return solution


@dataclass(frozen=True)
class _Level:
    """One resolution: where pixels are removed, the system's diagonal and its inverse (H, W, C).

    Its vectors, and the inverse, are 0 wherever nothing is removed. `four` takes the means of the
    finer level's pixels, four each, and has their sums in the hole.
    """

    hole: Floats
    diagonal: Floats
    inverse: Floats
    four: Floats

    @classmethod
    def of(cls, removed: Bools, channels: int) -> _Level:
        hole = removed.astype(np.float32)
        diagonal = _neighbours(np.ones_like(hole))
        parts = (hole, diagonal, hole / diagonal, 4 * hole)
        return cls(*(cv2.merge([part] * channels).reshape(*part.shape, channels) for part in parts))

    @cached_property
    def solver(self) -> Floats | None:
        """The inverse of the whole system (H*W, H*W), where that is small."""
        height, width, _ = self.hole.shape
        if height * width > _FEWEST:
            return None
        hole = self.hole[:, :, 0].ravel()
        system = -hole[:, None] * hole * _all_neighbours(height, width)
        np.fill_diagonal(system, self.diagonal[:, :, 0])
        found: Floats = np.linalg.inv(system)
        return found

    def operator(self, values: Floats) -> Floats:
        moved = self.diagonal * values
        moved -= self.around(values)
        return moved

    def around(self, values: Floats) -> Floats:
        """What a pixel of the hole gets from its neighbours."""
        found = _neighbours(values)
        found *= self.hole
        return found


def _levels(removed: Bools, channels: int) -> list[_Level]:
    """From the image down: a coarse pixel is removed where all four of its pixels are."""
    levels = [_Level.of(removed, channels)]
    while removed.size > _FEWEST:
        height, width = removed.shape
        even = np.pad(removed, ((0, height % 2), (0, width % 2)), mode="edge")
        rows = even[::2] & even[1::2]
        removed = rows[:, ::2] & rows[:, 1::2]
        if not removed.any():
            break
        levels.append(_Level.of(removed, channels))
    return levels


def _cycle(residual: Floats, levels: list[_Level]) -> Floats:
    """About the inverse of the system applied to the residual: a Jacobi step, a coarse correction
    of what it leaves, which is what the neighbours add, and another Jacobi step."""
    level, *coarser = levels
    if level.solver is not None:
        return (level.solver @ residual.reshape(len(level.solver), -1)).reshape(residual.shape)
    values = residual * level.inverse
    if coarser:
        left = _halved(_neighbours(values))
        left *= coarser[0].four
        correction = _finer(_cycle(left, coarser), *residual.shape[:2])
        cv2.accumulateProduct(_flat(correction), _flat(level.hole), _flat(values))
    smoothed = _neighbours(values)
    smoothed += residual
    smoothed *= level.inverse
    return smoothed


def _neighbours(values: Floats) -> Floats:
    """Sum over the 8 neighbours, 2 for direct and 1 for diagonal ones, 0 outside."""
    around = cv2.filter2D(values, cv2.CV_32F, _WEIGHTS, borderType=cv2.BORDER_CONSTANT)
    found: Floats = around.reshape(values.shape)  # OpenCV drops a single channel
    return found


def _dot(first: Floats, second: Floats) -> float:
    return float(np.dot(first.ravel(), second.ravel()))


def _add(first: Floats, factor: float, second: Floats, *, out: Floats) -> None:
    """first + factor * second, in one pass."""
    cv2.scaleAdd(_flat(second), factor, _flat(first), _flat(out))


def _flat(values: Floats) -> Floats:
    """(H, W, C) -> (H, W*C): some of OpenCV's functions take few channels only."""
    return values.reshape(len(values), -1)


@cache
def _all_neighbours(height: int, width: int) -> Floats:
    """`_neighbours` of each pixel alone: (H*W, H*W)."""
    count = height * width
    alone = np.eye(count, dtype=np.float32).reshape(count, height, width)
    return np.stack([_neighbours(one).ravel() for one in alone])


def _finer(values: Floats, height: int, width: int) -> Floats:
    """Twice the resolution, linearly interpolated between the centres of pixels."""
    rows, columns, channels = values.shape
    wide = cv2.resize(values, (2 * columns, 2 * rows), interpolation=cv2.INTER_LINEAR)
    found = wide.reshape(2 * rows, 2 * columns, channels)[:height, :width]
    return np.ascontiguousarray(found)


def _halved(values: Floats) -> Floats:
    """Half the resolution: the means of four pixels."""
    height, width, channels = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    rows, columns = -(-height // 2), -(-width // 2)
    halved = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_LINEAR)
    found: Floats = halved.reshape(rows, columns, channels)
    return found
