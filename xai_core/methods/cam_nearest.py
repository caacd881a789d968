"""CAM in blocks: CAM enlarged without smoothing."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch


@dataclass(frozen=True)
class CAMNearest(HeadMethod):
    """CAM with every pixel at the value of its cell of the feature grid.

    A control of SeCAM: it has regions of constant value that know nothing about the image.
    """

    title = "CAM in blocks"
    reference = "control of SeCAM in this project; CAM: Zhou et al., CVPR 2016"
    family = "CAM"
    formula = (
        r"M_c(x,y) = \sum_k w_k^c f_k\left(\lfloor x w / W \rfloor, \lfloor y h / H \rfloor\right)"
    )
    caveat = (
        "A control, not an explanation of its own: SeCAM's superpixels have gained something only "
        "where SeCAM beats these blocks."
    )
    signed = True

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        size = list(batch.images.shape[-2:])
        return functional.interpolate(feature_cam(batch, targets), size=size, mode="nearest-exact")
