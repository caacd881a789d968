"""Guided backpropagation: gradients that only pass where everything is positive."""

from __future__ import annotations

from dataclasses import dataclass

from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from torch import Tensor

from xai_core.methods._activations import guided_copy, no_relu
from xai_core.methods._gradients import each_target
from xai_core.methods._rewrite import rewritten
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class GuidedBackprop(Method):
    """The gradient of the logit, cut to its positive part at every ReLU on its way back.

    Of each pixel the largest absolute value over the colours: cut gradients add up to nothing, so
    their sign says no more than their size. The ReLUs of the model are made separate modules on
    a private copy, so shared and in-place ones are handled.
    """

    title = "Guided backpropagation"
    reference = "Springenberg et al., ICLR Workshops 2015, arXiv 1412.6806"
    family = "gradients"
    formula = r"M_c = \max_k |g^0_k|,\quad g^{l} = \mathbf{1}[z^{l} > 0] \, \max(g^{l+1}, 0)"
    caveat = (
        "It hardly depends on the class or on the later layers: it mostly redraws the image's "
        "edges."
    )
    signed = False
    cost = 3
    revision = 2
    backed_by = "captum"

    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        return no_relu(classifier, self.title)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        with rewritten(batch.classifier, guided_copy) as network:
            captum = CaptumGuidedBackprop(network)
            return each_target(
                batch,
                targets,
                self.batch_size,
                lambda images, classes: captum.attribute(images, classes).abs().amax(dim=1),
            )
