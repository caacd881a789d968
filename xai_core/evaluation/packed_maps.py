"""Packed maps: heatmaps small enough to ship, exact where they are smooth or piecewise."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from xai_core.images.reading import Floats

FINE_PX = 112
_GRIDS = (7, 8, 12, 14, 28)
_LARGEST_TABLE = 256

Arrays = dict[str, npt.NDArray[Any]]


def packed(maps: Floats) -> Arrays:
    """Maps (T, H, W) in the smallest of three forms; `unpacked` gives them back.

    "grid": they are a coarse grid enlarged bilinearly, which is kept exactly. "labels": at most
    256 different values (superpixels), kept exactly. "fine": anything else, at 112 px and 8 bits.
    """
    for cells in _GRIDS:
        grid = grid_behind(maps, cells)
        if grid is not None:
            return {"grid": grid}
    flat = maps.reshape(len(maps), -1)
    table, labels = np.unique(flat, axis=1, return_inverse=True)
    if table.shape[1] <= _LARGEST_TABLE:
        return {"labels": labels.reshape(maps.shape[1:]).astype(np.uint8), "table": table}
    small = np.stack(
        [cv2.resize(m, (FINE_PX, FINE_PX), interpolation=cv2.INTER_AREA) for m in maps]
    )
    scale = np.abs(small).max(axis=(1, 2)) / 127
    steps = np.rint(small / np.where(scale > 0, scale, 1)[:, None, None]).astype(np.int8)
    return {"fine": steps, "scale": scale.astype(np.float32)}


def unpacked(arrays: Arrays, size: int) -> Floats:
    """The maps (T, size, size) behind the arrays of `packed`; raises KeyError where none is."""
    if "labels" in arrays:
        return np.asarray(arrays["table"][:, arrays["labels"]], dtype=np.float32)
    if "grid" in arrays:
        grids = arrays["grid"]
    else:
        grids = arrays["fine"].astype(np.float32) * arrays["scale"][:, None, None]
    return np.stack(
        [cv2.resize(grid, (size, size), interpolation=cv2.INTER_LINEAR) for grid in grids]
    )


def grid_behind(maps: Floats, cells: int) -> Floats | None:
    """The (T, cells, cells) grid whose bilinear enlargement the maps (T, H, W) are, or None."""
    height, width = maps.shape[1:]
    if height != width or height < 2 * cells:
        return None
    # one column of the enlarging operator for each cell of a row
    unit = np.eye(cells, dtype=np.float64)
    enlarge = cv2.resize(unit, (cells, height), interpolation=cv2.INTER_LINEAR)
    back = np.linalg.pinv(enlarge)
    grid = back @ maps.astype(np.float64) @ back.T
    error = np.abs(enlarge @ grid @ enlarge.T - maps).max()
    return grid.astype(np.float32) if error <= 2e-3 * np.abs(maps).max() else None
