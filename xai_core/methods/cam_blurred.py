"""Blurred CAM: CAM averaged over round neighbourhoods as large as superpixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from xai_core.methods._cam import feature_cam, no_cam_head
from xai_core.methods._smoothing import smoothed
from xai_core.methods.base import Diagnostics, Family, Method, enlarged
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class CAMBlurred(Method):
    """CAM at image resolution, convolved with a Gaussian of a superpixel's area.

    A Gaussian averages over 4 pi sigma^2 pixels (1 over the integral of its square), so
    sigma = sqrt(H W / (4 pi segments)). A control of SeCAM: as much averaging, no outlines.
    """

    name: ClassVar[str] = "cam_blurred"
    title: ClassVar[str] = "CAM, blurred"
    reference: ClassVar[str] = "control of SeCAM in this project; CAM: Zhou et al., CVPR 2016"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = r"G_\sigma * M_c,\quad \sigma = \sqrt{HW / (4 \pi n)}"
    caveat: ClassVar[str] = (
        "A control, not an explanation of its own: removal metrics may favour smooth maps, and "
        "this one shows by how much."
    )
    signed: ClassVar[bool] = True

    segments: int = setting(
        50, "the Gaussian is as large as one of this many superpixels", low=10, high=400
    )

    def unfit(self, classifier: Classifier) -> str | None:
        return no_cam_head(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        sigma = math.sqrt(height * width / (4 * math.pi * self.segments))
        return smoothed(enlarged(feature_cam(batch, targets), height, width), sigma)
