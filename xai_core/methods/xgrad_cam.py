"""XGrad-CAM: gradients averaged where the channel is active."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods._stage import StageGradientMethod, weighted_sum

NO_ACTIVITY = 1e-7


@dataclass(frozen=True)
class XGradCAM(StageGradientMethod):
    """Feature maps weighted by their gradients, averaged where the channel is active.

    L_c = sum_k a_k f_k with a_k = sum_xy f_k g_k / sum_xy f_k and g_k = d logit_c / d f_k. A
    channel that is silent everywhere has weight 0.
    """

    title = "XGrad-CAM"
    reference = "Fu et al., BMVC 2020, arXiv 2008.02312"
    family = "CAM"
    formula = (
        r"L_c = \sum_k \alpha_k^c f_k,\quad \alpha_k^c = \sum_{x,y} "
        r"\frac{f_k(x,y)}{\sum_{a,b} f_k(a,b)} \frac{\partial z_c}{\partial f_k(x,y)}"
    )
    caveat = (
        "The weights divide by a channel's sum: at stages whose activations can be negative the "
        "sum may be almost zero and one channel may take over."
    )
    signed = True

    def _combined(self, activations: Tensor, gradients: Tensor) -> Tensor:
        products = (activations[:, None] * gradients).sum(dim=(3, 4))
        totals = activations.sum(dim=(2, 3))[:, None]
        weights = torch.where(totals.abs() > NO_ACTIVITY, products / totals, 0)
        return weighted_sum(weights, activations)
