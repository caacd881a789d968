"""SeCAM on a grid: CAM averaged over square cells instead of superpixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xai_core.images.regions import region_means
from xai_core.images.superpixels import Slic, grid_labels
from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class SeCAMGrid(HeadMethod):
    """The mean of the upsampled CAM over square cells, as many as SeCAM finds superpixels.

    A control of SeCAM: regions of the same mean area that know nothing about the image.
    """

    title = "SeCAM on a grid"
    reference = "control of SeCAM in this project; SeCAM: arXiv 2307.04137"
    family = "CAM"
    formula = r"S_c(q) = \frac{1}{|q|} \sum_{(x,y) \in q} M_c(x,y),\quad q \text{ a square cell}"
    caveat = (
        "A control, not an explanation of its own: SeCAM's outlines have gained something only "
        "where SeCAM beats these squares."
    )
    signed = True

    segments: int = setting(50, "number of superpixels in the image", low=10, high=400)
    compactness: float = setting(
        10.0, "squareness of the superpixels that the cells match in number", low=0.1, high=100.0
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        superpixels = batch.segments(Slic(self.segments, self.compactness))
        counts = superpixels.flatten(1).amax(dim=1) + 1
        cells = np.stack([grid_labels(height, width, count) for count in counts.tolist()])
        cams = enlarged(feature_cam(batch, targets), height, width)
        return region_means(cams, torch.from_numpy(cells).to(cams.device))
