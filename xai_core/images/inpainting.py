"""Inpainting: removed pixels as the weighted mean of their neighbours, by a fast solver.

Numba compiles the loops when they are first used, in some seconds, and keeps them on disk. They
hold no lock of Python's, so threads solve images side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Function = TypeVar("Function", bound=Callable[..., object])
FREEDOM = {"reassoc", "contract", "nsz"}
"""Sums in any order; what is not a number stays so."""
TOLERANCE = 1e-3
LONGEST = 100
_FEWEST = 64
"""So many pixels are solved for directly."""
_DIRECT = np.float32(2)
"""The weight of a direct neighbour, where a diagonal one has 1."""
_NEAR, _FAR = np.float32(0.75), np.float32(0.25)
"""What a pixel takes from the coarser one it lies in, and from the next."""


def inpainted(image: Floats, removed: Bools) -> Floats:
    """An image (H, W, C) with each removed pixel (H, W) the weighted mean of its neighbours.

    Weights are 1/6 for direct and 1/12 for diagonal neighbours, fewer at the border; removed
    neighbours take part with the values that solve the whole system (to 1e-3 of a unit, where both
    sides are 4 pixels or more). Where nothing is left, 0.
    """
    if removed.all():
        return np.zeros_like(image)
    margins = ((1, 1), (1, 1))
    hole = np.ascontiguousarray(np.pad(removed.astype(np.float32), margins))
    known = np.pad(image.transpose(2, 0, 1), ((0, 0), *margins)) * (1 - hole)
    solution = np.ascontiguousarray(known, np.float32)
    _solve(solution, hole)
    return np.ascontiguousarray(solution[:, 1:-1, 1:-1].transpose(1, 2, 0))


def _compiled(function: Function) -> Function:
    def made(cache: bool) -> Function:
        found: Function = njit(
            function, cache=cache, nogil=True, fastmath=FREEDOM, error_model="numpy"
        )
        return found

    try:
        return made(cache=True)
    except RuntimeError:  # no folder to keep it in can be written
        return made(cache=False)


class _Level(NamedTuple):
    """One resolution of the system; all arrays have a margin of one pixel, which is 0.

    Of (H + 2, W + 2): where pixels are removed (1), the system's diagonal, and its inverse there.
    Of (C, H + 2, W + 2), 0 wherever nothing is removed: a residual, what a Jacobi step makes of it,
    and what a V-cycle does.
    """

    hole: Floats
    diagonal: Floats
    inverse: Floats
    residual: Floats
    values: Floats
    step: Floats


@_compiled
def _solve(solution: Floats, hole: Floats) -> None:
    """Fills the hole (H + 2, W + 2) of a solution (C, H + 2, W + 2) where it is 0.

    By conjugate gradients, preconditioned by one multigrid V-cycle each; the flexible ones (Notay,
    SIAM J. Sci. Comput. 2000), as the cycle is not quite symmetric.
    """
    levels = _levels(hole, len(solution))
    finest, direct = levels[0], _inverted(levels[-1])
    _apply(hole, np.zeros_like(hole), solution, finest.residual)
    _add(finest.residual, np.float32(-2), finest.residual)
    direction, moved = np.zeros_like(solution), np.zeros_like(solution)
    energy, length = 1.0, 0.0
    for _ in range(LONGEST):
        _cycle(levels, direct)
        if _is_small(finest.step):
            _add(solution, np.float32(1), finest.step)
            break
        turn = length * _dot(finest.step, moved) / energy
        _turn(direction, np.float32(-turn), finest.step)
        _apply(hole, finest.diagonal, direction, moved)
        energy = max(_dot(finest.residual, finest.step), 1e-30)
        length = energy / max(_dot(direction, moved), 1e-30)
        _add(solution, np.float32(length), direction)
        _add(finest.residual, np.float32(-length), moved)


@_compiled
def _levels(hole: Floats, channels: int) -> list[_Level]:
    """From the image down: a coarse pixel is removed where all four of its pixels are."""
    levels = [_level(hole, channels)]
    while (hole.shape[0] - 2) * (hole.shape[1] - 2) > _FEWEST:
        hole = _coarser_hole(hole)
        if not hole.any():
            break
        levels.append(_level(hole, channels))
    return levels


@_compiled
def _level(hole: Floats, channels: int) -> _Level:
    height, width = hole.shape[0] - 2, hole.shape[1] - 2
    diagonal, inverse = np.zeros_like(hole), np.zeros_like(hole)
    for i in range(1, height + 1):
        for j in range(1, width + 1):
            above, beside = (i > 1) + (i < height), (j > 1) + (j < width)
            diagonal[i, j] = _DIRECT * (above + beside) + above * beside
            inverse[i, j] = hole[i, j] / diagonal[i, j]
    zeros = np.zeros((channels, height + 2, width + 2), np.float32)
    return _Level(hole, diagonal, inverse, zeros, zeros.copy(), zeros.copy())


@_compiled
def _coarser_hole(hole: Floats) -> Floats:
    height, width = hole.shape[0] - 2, hole.shape[1] - 2
    found = np.zeros(((height + 1) // 2 + 2, (width + 1) // 2 + 2), np.float32)
    for i in range(1, found.shape[0] - 1):
        for j in range(1, found.shape[1] - 1):
            low, right = min(2 * i, height), min(2 * j, width)
            upper = hole[2 * i - 1, 2 * j - 1] * hole[2 * i - 1, right]
            found[i, j] = upper * hole[low, 2 * j - 1] * hole[low, right]
    return found


@_compiled
def _inverted(level: _Level) -> Floats:
    """The inverse of the whole system (H*W, H*W) where that is small, else (0, 0)."""
    height, width = level.hole.shape[0] - 2, level.hole.shape[1] - 2
    if height * width > _FEWEST:
        return np.zeros((0, 0), np.float32)
    system = np.zeros((height * width, height * width), np.float32)
    alone, around = np.zeros_like(level.values[:1]), np.zeros_like(level.values[:1])
    for place in range(len(system)):
        i, j = place // width + 1, place % width + 1
        alone[0, i, j] = level.hole[i, j]
        _apply(level.hole, level.diagonal, alone, around)
        alone[0, i, j] = 0
        for other in range(len(system)):
            system[other, place] = around[0, other // width + 1, other % width + 1]
        system[place, place] = level.diagonal[i, j]
    _invert(system)
    return system


@_compiled
def _invert(matrix: Floats) -> None:
    """In place, by Gauss and Jordan; the diagonal is dominant, so no rows are exchanged."""
    for k in range(len(matrix)):
        pivot = matrix[k, k]
        matrix[k, k] = 1
        for j in range(len(matrix)):
            matrix[k, j] /= pivot
        for i in range(len(matrix)):
            if i != k:
                factor = matrix[i, k]
                matrix[i, k] = 0
                for j in range(len(matrix)):
                    matrix[i, j] -= factor * matrix[k, j]


@_compiled
def _cycle(levels: list[_Level], direct: Floats) -> None:
    """Puts into the finest step about the inverse of the system applied to its residual.

    At each level a Jacobi step, a coarse correction of what it leaves, which is what the neighbours
    add, and another Jacobi step.
    """
    last = len(levels) - 1
    for number in range(last):
        _jacobi(levels[number])
        _restrict(levels[number].values, levels[number + 1])
    if len(direct):
        _solve_directly(levels[last], direct)
    else:
        _jacobi(levels[last])
        _smooth(levels[last])
    for number in range(last - 1, -1, -1):
        _prolong(levels[number + 1].step, levels[number])
        _smooth(levels[number])


@_compiled
def _solve_directly(level: _Level, inverse: Floats) -> None:
    width = level.hole.shape[1] - 2
    for c in range(len(level.step)):
        for place in range(len(inverse)):
            found = np.float32(0)
            for other in range(len(inverse)):
                residual = level.residual[c, other // width + 1, other % width + 1]
                found += inverse[place, other] * residual
            level.step[c, place // width + 1, place % width + 1] = found


@_compiled
def _jacobi(level: _Level) -> None:
    """A Jacobi step from nothing."""
    residual, inverse, values = level.residual, level.inverse, level.values
    channels, rows, columns = values.shape
    for c in range(channels):
        for i in range(rows):
            for j in range(columns):
                values[c, i, j] = residual[c, i, j] * inverse[i, j]


@_compiled
def _smooth(level: _Level) -> None:
    """A Jacobi step from the values."""
    values, residual, inverse, step = level.values, level.residual, level.inverse, level.step
    channels, rows, columns = values.shape
    for c in range(channels):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                step[c, i, j] = (_around(values, c, i, j) + residual[c, i, j]) * inverse[i, j]


@_compiled
def _apply(hole: Floats, diagonal: Floats, values: Floats, moved: Floats) -> None:
    """The system applied to some values."""
    channels, rows, columns = values.shape
    for c in range(channels):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                own = diagonal[i, j] * values[c, i, j]
                moved[c, i, j] = own - hole[i, j] * _around(values, c, i, j)


@_compiled
def _around(values: Floats, c: int, i: int, j: int) -> np.float32:
    """The weighted sum over the 8 neighbours of a pixel."""
    upper = values[c, i - 1, j - 1] + values[c, i - 1, j + 1]
    lower = values[c, i + 1, j - 1] + values[c, i + 1, j + 1]
    beside = values[c, i, j - 1] + values[c, i, j + 1]
    direct = values[c, i - 1, j] + values[c, i + 1, j] + beside
    found: np.float32 = upper + lower + _DIRECT * direct
    return found


@_compiled
def _restrict(values: Floats, coarser: _Level) -> None:
    """The coarser residual: what its pixels' four get from their neighbours, in its hole."""
    channels, rows, columns = values.shape
    sums = np.zeros(columns, np.float32)
    for c in range(channels):
        for i in range(1, coarser.hole.shape[0] - 1):
            sums[:] = 0
            for row in range(2 * i - 1, min(2 * i + 1, rows - 1)):
                for j in range(1, columns - 1):
                    sums[j] += _around(values, c, row, j)
            for j in range(1, coarser.hole.shape[1] - 1):
                coarser.residual[c, i, j] = coarser.hole[i, j] * (sums[2 * j - 1] + sums[2 * j])


@_compiled
def _prolong(coarser: Floats, level: _Level) -> None:
    """Adds coarser values to those in the hole, linearly interpolated between pixels' centres."""
    channels, rows, columns = coarser.shape
    mixed = np.zeros(columns, np.float32)
    for c in range(channels):
        for i in range(1, level.hole.shape[0] - 1):
            near = (i + 1) // 2
            far = min(max(near + 1 - 2 * (i % 2), 1), rows - 2)
            for j in range(1, columns - 1):
                mixed[j] = _NEAR * coarser[c, near, j] + _FAR * coarser[c, far, j]
            mixed[0], mixed[-1] = mixed[1], mixed[-2]
            for j in range(1, columns - 1):
                left, right = _FAR * mixed[j - 1], _FAR * mixed[j + 1]
                level.values[c, i, 2 * j - 1] += level.hole[i, 2 * j - 1] * (
                    _NEAR * mixed[j] + left
                )
                level.values[c, i, 2 * j] += level.hole[i, 2 * j] * (_NEAR * mixed[j] + right)


@_compiled
def _is_small(values: Floats) -> bool:
    """Whether none is more than a quarter of the tolerance; the first that is ends the search."""
    flat, place = values.reshape(-1), 0
    while place < len(flat) and abs(flat[place]) <= TOLERANCE / 4:
        place += 1
    return place == len(flat)


@_compiled
def _add(values: Floats, factor: np.float32, others: Floats) -> None:
    """values + factor * others."""
    mine, theirs = values.reshape(-1), others.reshape(-1)
    for k in range(len(mine)):
        mine[k] += factor * theirs[k]


@_compiled
def _turn(values: Floats, factor: np.float32, others: Floats) -> None:
    """factor * values + others."""
    mine, theirs = values.reshape(-1), others.reshape(-1)
    for k in range(len(mine)):
        mine[k] = factor * mine[k] + theirs[k]


@_compiled
def _dot(first: Floats, second: Floats) -> float:
    """The sum of products, of rows first."""
    total = 0.0
    channels, rows, columns = first.shape
    for c in range(channels):
        for i in range(rows):
            part: np.float32 = np.float32(0)
            for j in range(columns):
                part += first[c, i, j] * second[c, i, j]
            total += float(part)
    return total
