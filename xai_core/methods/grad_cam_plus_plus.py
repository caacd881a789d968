"""Grad-CAM++: Grad-CAM with a weight for every cell."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods._stage import StageGradientMethod, weighted_sum


@dataclass(frozen=True)
class GradCAMPlusPlus(StageGradientMethod):
    """Feature maps weighted by their positive gradients, each with a weight alpha of its own.

    L_c = sum_k f_k sum_xy alpha_k relu(g_k) with g_k = d logit_c / d f_k and
    alpha_k = g_k^2 / (2 g_k^2 + g_k^3 sum_ab f_k(a, b)). The paper's factor exp(logit_c) is the
    same for every pixel and is left out.
    """

    title = "Grad-CAM++"
    reference = "Chattopadhay et al., WACV 2018, arXiv 1710.11063"
    family = "CAM"
    formula = (
        r"L_c = \sum_k f_k \sum_{x,y} \alpha_k^{c} \max(g_k^c, 0),\quad "
        r"\alpha_k^{c} = \frac{(g_k^c)^2}{2 (g_k^c)^2 + \sum_{a,b} f_k(a,b) (g_k^c)^3}"
    )
    caveat = (
        "It counts only what raises the class score, so it cannot show evidence against a class, "
        "and it often covers more than Grad-CAM."
    )
    signed = False

    def _combined(self, activations: Tensor, gradients: Tensor) -> Tensor:
        squares = gradients**2
        total = activations.sum(dim=(2, 3))[:, None, :, None, None]
        below = 2 * squares + total * squares * gradients
        alpha = torch.where(below.abs() > 0, squares / below, 0)
        return weighted_sum((alpha * gradients.relu()).sum(dim=(3, 4)), activations)
