"""Grad-CAM: activations weighted by their mean gradients."""

from __future__ import annotations

from dataclasses import dataclass

from captum.attr import LayerGradCam
from torch import Tensor

from xai_core.methods._gradients import each_target
from xai_core.methods._rewrite import stage_module
from xai_core.methods._stage import (
    StageGradientMethod,
    captum_sees,
    stage_gradients,
    weighted_sum,
)
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class GradCAM(StageGradientMethod):
    """Feature maps weighted by the mean gradient of the class score: L_c = sum_k a_k^c f_k(x, y).

    f_k is channel k of the stage, a_k^c the mean over the grid of d logit_c / d f_k. The ReLU of
    the paper is left to the display. On a model with a CAM head it is CAM up to a factor.
    """

    title = "Grad-CAM"
    reference = "Selvaraju et al., ICCV 2017, arXiv 1610.02391"
    family = "CAM"
    formula = (
        r"L_c(x,y) = \sum_k \alpha_k^c f_k(x,y),\quad "
        r"\alpha_k^c = \frac{1}{hw} \sum_{x,y} \frac{\partial z_c}{\partial f_k(x,y)}"
    )
    caveat = (
        "Averaging the gradients over the grid is exact only at the last stage before global "
        "pooling; at earlier stages the map can point to places that did not matter."
    )
    signed = True
    backed_by = "captum"
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        if not captum_sees(batch.classifier, self.stage):
            activations, gradients = stage_gradients(batch, targets)
            return weighted_sum(gradients.mean(dim=(3, 4)), activations)
        with stage_module(batch.classifier, self.stage) as (network, module):
            captum = LayerGradCam(network, module)
            return each_target(
                batch,
                targets,
                self.batch_size,
                lambda images, classes: captum.attribute(
                    images, classes, relu_attributions=False
                ).sum(dim=1),
            )
