"""LayerCAM: activations weighted by the positive gradient of each cell."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xai_core.methods._stage import StageGradientMethod


@dataclass(frozen=True)
class LayerCAM(StageGradientMethod):
    """Activations times the positive part of their gradients: L_c = sum_k f_k relu(g_k).

    f_k is channel k of the stage and g_k = d logit_c / d f_k in the same cell; made to work at
    early stages with fine grids too.
    """

    title = "LayerCAM"
    reference = "Jiang et al., IEEE TIP 2021"
    family = "CAM"
    formula = (
        r"L_c(x,y) = \sum_k f_k(x,y) \max\left("
        r"\frac{\partial z_c}{\partial f_k(x,y)}, 0\right)"
    )
    caveat = (
        "Negative gradients are dropped, so regions that support and contradict the class at once "
        "look like plain support."
    )
    signed = False

    def _combined(self, activations: Tensor, gradients: Tensor) -> Tensor:
        return (activations[:, None] * gradients.relu()).sum(dim=2)
