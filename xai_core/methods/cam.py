"""CAM: class activation mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from xai_core.methods._cam import feature_cam, no_cam_head
from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class CAM(Method):
    """The class score before pooling: M_c(x, y) = sum_k w_k^c f_k(x, y).

    f_k is channel k of the last stage and w_k^c its weight for class c in the final layer; the
    mean of M_c plus the bias is the logit. Its grid is coarse (7 x 7 for a ResNet at 224 px).
    """

    name: ClassVar[str] = "cam"
    title: ClassVar[str] = "CAM"
    reference: ClassVar[str] = "Zhou et al., CVPR 2016, arXiv 1512.04150"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = r"M_c(x,y) = \sum_k w_k^c f_k(x,y)"
    caveat: ClassVar[str] = (
        "The grid is coarse, so it shows a neighbourhood rather than an outline; receptive fields "
        "reach beyond the cell."
    )
    signed: ClassVar[bool] = True

    def unfit(self, classifier: Classifier) -> str | None:
        return no_cam_head(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        return feature_cam(batch, targets)
