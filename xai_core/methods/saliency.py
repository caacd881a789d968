"""Saliency: the size of the gradient."""

from __future__ import annotations

from dataclasses import dataclass

from captum.attr import Saliency as CaptumSaliency
from torch import Tensor

from xai_core.methods._gradients import GradientMethod, each_target
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class Saliency(GradientMethod):
    """The largest absolute gradient of the logit over the colours: max_k |d logit_c / d x_k|.

    x_k is colour channel k of the (normalised) pixel. It says how sensitive the score is to the
    pixel, not whether the pixel supports the class.
    """

    title = "Saliency"
    reference = "Simonyan et al., ICLR Workshops 2014, arXiv 1312.6034"
    family = "gradients"
    formula = r"M_c = \max_k \left| \frac{\partial z_c}{\partial x_k} \right|"
    caveat = (
        "It shows where a tiny change would matter, which is noisy and not the same as what the "
        "score rests on."
    )
    signed = False
    cost = 3
    backed_by = "captum"

    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        captum = CaptumSaliency(batch.classifier.logits)
        return each_target(
            batch,
            targets,
            self.batch_size,
            lambda images, classes: captum.attribute(images, classes, abs=True).amax(dim=1),
        )
