"""Superpixels: SLIC segments at the model's resolution, and square cells as their control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xai_core.images.reading import Floats

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slic:
    """SLIC (Achanta et al., TPAMI 2012) on the RGB image that the model sees.

    `segments` is the number asked for; SLIC may return fewer. A larger `compactness` makes
    squarer superpixels.
    """

    segments: int = 50
    compactness: float = 10.0


def slic_labels(rgb: npt.NDArray[np.uint8], recipe: Slic, **how: Any) -> Labels:
    """Superpixels of an RGB image (H, W, 3): labels (H, W), 0 .. count - 1 without gaps.

    `how` goes to scikit-image, to look at the steps on the way.
    """
    from skimage.segmentation import slic  # takes long to load, and most pages do without

    labels: npt.NDArray[Any] = slic(
        rgb, n_segments=recipe.segments, compactness=recipe.compactness, start_label=1, **how
    )
    return without_gaps(labels)


def grid_labels(height: int, width: int, cells: int) -> Labels:
    """Cells of equal size: labels (height, width) of a grid with about `cells` square cells."""
    rows = max(1, round((cells * height / width) ** 0.5))
    columns = max(1, round(cells / rows))
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    labels: Labels = (row[:, None] * columns + column[None, :]).astype(np.int64)
    return labels


def without_gaps(labels: npt.NDArray[Any]) -> Labels:
    """The same regions, labelled 0 .. count - 1."""
    numbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    whole: Labels = numbered.reshape(labels.shape)
    return whole


def averaged(values: Floats, labels: Labels) -> Floats:
    """One map (H, W) with every pixel replaced by the mean of its region, without torch."""
    flat = labels.ravel()
    means = np.bincount(flat, values.ravel().astype(np.float64)) / np.bincount(flat)
    return np.asarray(means[labels], dtype=np.float32)
