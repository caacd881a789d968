"""XGrad-CAM: gradients averaged where the channel is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xai_core.methods._gradients import no_gradients
from xai_core.methods._stage import is_last, no_stage, stage_gradients, stage_setting, weighted_sum
from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

NO_ACTIVITY = 1e-7


@dataclass(frozen=True)
class XGradCAM(Method):
    """Feature maps weighted by their gradients, averaged where the channel is active.

    L_c = sum_k a_k f_k with a_k = sum_xy f_k g_k / sum_xy f_k and g_k = d logit_c / d f_k. A
    channel that is silent everywhere has weight 0.
    """

    name: ClassVar[str] = "xgrad_cam"
    title: ClassVar[str] = "XGrad-CAM"
    reference: ClassVar[str] = "Fu et al., BMVC 2020, arXiv 2008.02312"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = (
        r"L_c = \sum_k \alpha_k^c f_k,\quad \alpha_k^c = \sum_{x,y} "
        r"\frac{f_k(x,y)}{\sum_{a,b} f_k(a,b)} \frac{\partial z_c}{\partial f_k(x,y)}"
    )
    caveat: ClassVar[str] = (
        "The weights divide by a channel's sum: at stages whose activations can be negative the "
        "sum may be almost zero and one channel may take over."
    )
    signed: ClassVar[bool] = True
    stage: str = stage_setting()

    def unfit(self, classifier: Classifier) -> str | None:
        return no_stage(classifier, self.stage) or no_gradients(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1 if is_last(classifier, self.stage) else 3

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, gradients = stage_gradients(batch, targets, self.stage)
        products = (activations[:, None] * gradients).sum(dim=(3, 4))
        totals = activations.sum(dim=(2, 3))[:, None]
        weights = torch.where(totals.abs() > NO_ACTIVITY, products / totals, 0)
        return weighted_sum(weights, activations)
