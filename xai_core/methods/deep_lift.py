"""DeepLIFT: differences from a baseline, carried back through the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from captum.attr import DeepLift
from torch import Tensor

from xai_core.batch import Batch
from xai_core.classifier import Classifier
from xai_core.methods._activations import PIECEWISE_LINEAR, rescale_copy
from xai_core.methods._base import Diagnostics, Family, Method
from xai_core.methods._baselines import fixed_baseline
from xai_core.methods._gradients import completeness_errors, each_target
from xai_core.methods._rewrite import beyond, rewritten
from xai_core.recipe import setting

SMALLEST_DIFFERENCE = 1e-6
"""Below this difference of inputs the gradient is used: the quotient would be rounding error."""


@dataclass(frozen=True)
class DeepLIFT(Method):
    """The difference from a baseline times the rescale rule's multipliers, summed over the colours.

    M_i = (x_i - x'_i) m_i, where at every nonlinearity the gradient is replaced by
    (y - y') / (z - z'), its difference in output over its difference in input. The map sums to
    f_c(x) - f_c(x'), up to the reported `completeness_error` (in logits).
    """

    name: ClassVar[str] = "deep_lift"
    title: ClassVar[str] = "DeepLIFT"
    reference: ClassVar[str] = "Shrikumar et al., ICML 2017, arXiv 1704.02685"
    family: ClassVar[Family] = "gradients"
    formula: ClassVar[str] = (
        r"M_i = (x_i - x'_i)\, m_i,\quad "
        r"m^{l} = \frac{\sigma(z) - \sigma(z')}{z - z'} \, m^{l+1}"
    )
    caveat: ClassVar[str] = (
        "The map depends on the baseline, and the rule treats every nonlinearity by itself, so "
        "effects that cancel each other stay hidden."
    )
    signed: ClassVar[bool] = True
    backed_by: ClassVar[str] = "captum"

    baseline: str = setting(
        "black",
        "what the picture is compared with: black, its mean colour, or itself blurred",
        choices=("black", "mean", "blurred"),
    )
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        return beyond(classifier, self.title, PIECEWISE_LINEAR)

    def passes(self, classifier: Classifier) -> float:
        return 6

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        form = batch.classifier.form

        def explain(images: Tensor, classes: Tensor) -> Tensor:
            start = fixed_baseline(self.baseline, images.detach(), form)
            maps: Tensor = captum.attribute(images, start, classes).sum(dim=1)
            return maps

        with rewritten(batch.classifier, rescale_copy) as network:
            captum = DeepLift(network, eps=SMALLEST_DIFFERENCE)
            maps = each_target(batch, targets, self.batch_size, explain)
        start = fixed_baseline(self.baseline, batch.images, form)
        diagnostics["completeness_error"] = completeness_errors(batch, targets, maps, start)
        return maps
