"""Superpixels: SLIC segments at the network's resolution, and square cells as their control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skimage.segmentation import slic
from torch import Tensor

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slic:
    """SLIC (Achanta et al., TPAMI 2012) on the RGB image that the network sees.

    `segments` is the number asked for; SLIC may return fewer. A larger `compactness` makes
    squarer superpixels.
    """

    segments: int = 50
    compactness: float = 10.0


def slic_labels(rgb: npt.NDArray[np.uint8], recipe: Slic) -> Labels:
    """Superpixels of an RGB image (H, W, 3): labels (H, W), 0 .. count - 1 without gaps."""
    labels: npt.NDArray[Any] = slic(
        rgb, n_segments=recipe.segments, compactness=recipe.compactness, start_label=1
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
