"""Input x gradient: the linear share of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from captum.attr import InputXGradient as CaptumInputXGradient
from torch import Tensor

from xai_core.methods._gradients import each_target, no_gradients
from xai_core.methods.base import Diagnostics, Family, SignedPixels
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class InputXGradient(SignedPixels):
    """The pixel's value times its gradient, summed over the colours: sum_k x_k d logit_c / d x_k.

    x_k is colour channel k of the normalised pixel, so the mean colour of the training data is 0
    and gets nothing. On a linear model without bias the map sums to the logit.
    """

    name: ClassVar[str] = "input_x_gradient"
    title: ClassVar[str] = "Input × gradient"
    reference: ClassVar[str] = "Shrikumar et al., 2016, arXiv 1605.01713"
    family: ClassVar[Family] = "gradients"
    formula: ClassVar[str] = r"M_c = \sum_k x_k \frac{\partial z_c}{\partial x_k}"
    caveat: ClassVar[str] = (
        "It looks like the image because it is multiplied by the image; what has the mean "
        "colour of the training data gets nothing."
    )
    signed: ClassVar[bool] = True
    backed_by: ClassVar[str] = "captum"

    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        return no_gradients(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 3

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        captum = CaptumInputXGradient(batch.classifier.logits)
        return each_target(
            batch,
            targets,
            self.batch_size,
            lambda images, classes: captum.attribute(images, classes).sum(dim=1),
        )
