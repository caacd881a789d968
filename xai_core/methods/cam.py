"""CAM: class activation mapping."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xai_core.methods._cam import HeadMethod, feature_cam
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch


@dataclass(frozen=True)
class CAM(HeadMethod):
    """The class score before pooling: M_c(x, y) = sum_k w_k^c f_k(x, y).

    f_k is channel k of the last stage and w_k^c its weight for class c in the final layer; the
    mean of M_c plus the bias is the logit. Its grid is coarse (7 x 7 for a ResNet at 224 px).
    """

    title = "CAM"
    reference = "Zhou et al., CVPR 2016, arXiv 1512.04150"
    family = "CAM"
    formula = r"M_c(x,y) = \sum_k w_k^c f_k(x,y)"
    caveat = (
        "The grid is coarse, so it shows a neighbourhood rather than an outline; receptive fields "
        "reach beyond the cell."
    )
    signed = True

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        return feature_cam(batch, targets)
