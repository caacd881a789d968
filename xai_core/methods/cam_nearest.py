"""CAM in blocks: CAM enlarged without smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from xai_core.methods._cam import feature_cam, no_cam_head
from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class CAMNearest(Method):
    """CAM with every pixel at the value of its cell of the feature grid.

    A control of SeCAM: it has regions of constant value that know nothing about the image.
    """

    name: ClassVar[str] = "cam_nearest"
    title: ClassVar[str] = "CAM in blocks"
    reference: ClassVar[str] = "control of SeCAM in this project; CAM: Zhou et al., CVPR 2016"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = (
        r"M_c(x,y) = \sum_k w_k^c f_k\left(\lfloor x w / W \rfloor, \lfloor y h / H \rfloor\right)"
    )
    caveat: ClassVar[str] = (
        "A control, not an explanation of its own: SeCAM's superpixels have gained something only "
        "where SeCAM beats these blocks."
    )
    signed: ClassVar[bool] = True

    def unfit(self, classifier: Classifier) -> str | None:
        return no_cam_head(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        size = list(batch.images.shape[-2:])
        return functional.interpolate(feature_cam(batch, targets), size=size, mode="nearest-exact")
