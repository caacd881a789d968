"""Guided Grad-CAM: guided backpropagation inside Grad-CAM."""

from __future__ import annotations

from dataclasses import dataclass

from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import Tensor

from xai_core.methods._activations import guided_copy, no_relu
from xai_core.methods._gradients import each_target
from xai_core.methods._rewrite import rewritten
from xai_core.methods._stage import StageMethod, stage_gradients, weighted_sum
from xai_core.methods.base import Diagnostics, enlarged
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class GuidedGradCAM(StageMethod):
    """Guided backpropagation times the positive part of Grad-CAM: G_c * relu(L_c).

    G_c is the largest absolute guided gradient over the colours k, and L_c Grad-CAM of the last
    stage, enlarged bilinearly.
    """

    title = "Guided Grad-CAM"
    reference = "Selvaraju et al., ICCV 2017, arXiv 1610.02391"
    family = "gradients"
    formula = r"M_c = \max(L_c, 0) \max_k |G_{c,k}|"
    caveat = (
        "The fine detail comes from guided backpropagation, which redraws edges; only the coarse "
        "place depends on the class."
    )
    signed = False
    cost = 4
    revision = 2
    backed_by = "captum"
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        return super().unfit(classifier) or no_relu(classifier, self.title)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, gradients = stage_gradients(batch, targets, self.stage)
        places = weighted_sum(gradients.mean(dim=(3, 4)), activations).relu()
        with rewritten(batch.classifier, guided_copy) as network:
            captum = CaptumGuidedBackprop(network)
            guided = each_target(
                batch,
                targets,
                self.batch_size,
                lambda images, classes: captum.attribute(images, classes).abs().amax(dim=1),
            )
        return guided * enlarged(places, guided.shape[-2], guided.shape[-1])
