"""Input x gradient: the linear share of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

from captum.attr import InputXGradient as CaptumInputXGradient
from torch import Tensor

from xai_core.methods._gradients import GradientMethod, each_target
from xai_core.methods.base import Diagnostics, SignedPixels
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class InputXGradient(GradientMethod, SignedPixels):
    """The pixel's value times its gradient, summed over the colours: sum_k x_k d logit_c / d x_k.

    x_k is colour channel k of the normalised pixel, so the mean colour of the training data is 0
    and gets nothing. On a linear model without bias the map sums to the logit.
    """

    title = "Input × gradient"
    reference = "Shrikumar et al., 2016, arXiv 1605.01713"
    family = "gradients"
    formula = r"M_c = \sum_k x_k \frac{\partial z_c}{\partial x_k}"
    caveat = (
        "It looks like the image because it is multiplied by the image; what has the mean "
        "colour of the training data gets nothing."
    )
    signed = True
    cost = 3
    backed_by = "captum"

    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        captum = CaptumInputXGradient(batch.classifier.logits)
        return each_target(
            batch,
            targets,
            self.batch_size,
            lambda images, classes: captum.attribute(images, classes).sum(dim=1),
        )
