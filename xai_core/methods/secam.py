"""SeCAM: CAM averaged over superpixels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from xai_core.images.regions import region_maxima, region_means
from xai_core.images.superpixels import Slic
from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class SeCAM(HeadMethod):
    """The mean of the upsampled CAM over each superpixel: S_c(s) = 1/|s| sum_{(x,y) in s} M_c(x,y).

    s is a SLIC superpixel of the image that the model sees, |s| its number of pixels and M_c
    the CAM at image resolution. It draws CAM with the outlines of the image and knows nothing
    more about the model than CAM does.
    """

    title = "SeCAM"
    reference = "Cao et al., arXiv 2307.04137; Nguyen et al., IEICE Trans. E105-D(8), 2022"
    family = "CAM"
    formula = r"S_c(s) = \frac{1}{|s|} \sum_{(x,y) \in s} M_c(x,y)"
    caveat = (
        "The sharp outlines come from the image, not from the model: compare it with CAM and "
        "with the same averaging over a grid or over another image's superpixels."
    )
    signed = True
    wording = (("resolution=feature", "on the feature grid"), ("statistic=max", "maximum"))

    segments: int = setting(50, "number of superpixels", low=10, high=400)
    compactness: float = setting(
        10.0, "squareness of the superpixels; low values follow colours", low=0.1, high=100.0
    )
    statistic: str = setting(
        "mean",
        "value of a superpixel: the mean or the maximum of CAM in it",
        choices=("mean", "max"),
    )
    resolution: str = setting(
        "image",
        "where CAM is averaged: on the image, as published, or on the small feature grid (legacy), "
        "which loses superpixels",
        choices=("image", "feature"),
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        cams = feature_cam(batch, targets)
        segments = batch.segments(Slic(self.segments, self.compactness))
        if self.resolution == "image":
            cams = enlarged(cams, *segments.shape[-2:])
        else:
            shrunk = functional.interpolate(segments[:, None].double(), size=cams.shape[-2:])
            segments = shrunk[:, 0].long()
        return (region_means if self.statistic == "mean" else region_maxima)(cams, segments)
