"""Blurred CAM: CAM averaged over round neighbourhoods as large as superpixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods._smoothing import smoothed
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class CAMBlurred(HeadMethod):
    """CAM at image resolution, convolved with a Gaussian of a superpixel's area.

    A Gaussian averages over 4 pi sigma^2 pixels (1 over the integral of its square), so
    sigma = sqrt(H W / (4 pi segments)). A control of SeCAM: as much averaging, no outlines.
    """

    title = "Blurred CAM"
    reference = "control of SeCAM in this project; CAM: Zhou et al., CVPR 2016"
    family = "CAM"
    formula = r"G_\sigma * M_c,\quad \sigma = \sqrt{HW / (4 \pi n)}"
    caveat = (
        "A control, not an explanation of its own: removal metrics may favour smooth maps, and "
        "this one shows by how much."
    )
    signed = True

    segments: int = setting(
        50, "the Gaussian is as large as one of this many superpixels", low=10, high=400
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        sigma = math.sqrt(height * width / (4 * math.pi * self.segments))
        return smoothed(enlarged(feature_cam(batch, targets), height, width), sigma)
