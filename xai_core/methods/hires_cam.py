"""HiResCAM: gradients and activations multiplied cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xai_core.methods._stage import StageGradientMethod


@dataclass(frozen=True)
class HiResCAM(StageGradientMethod):
    """The product of activation and gradient in every cell: L_c = sum_k f_k * g_k.

    f_k is channel k of the stage and g_k = d logit_c / d f_k in the same cell. Behind a linear
    rest of the model the map sums to the logit without its bias.
    """

    title = "HiResCAM"
    reference = "Draelos and Carin, 2020, arXiv 2011.08891"
    family = "CAM"
    formula = r"L_c(x,y) = \sum_k f_k(x,y) \frac{\partial z_c}{\partial f_k(x,y)}"
    caveat = (
        "It is faithful where everything behind the stage is linear; at earlier stages it is noisy "
        "like any product of gradient and value."
    )
    signed = True

    def _combined(self, activations: Tensor, gradients: Tensor) -> Tensor:
        return (activations[:, None] * gradients).sum(dim=2)
