"""HiResCAM: gradients and activations multiplied cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from xai_core.methods._gradients import no_gradients
from xai_core.methods._stage import is_last, no_stage, stage_gradients, stage_setting
from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class HiResCAM(Method):
    """The product of activation and gradient in every cell: L_c = sum_k f_k * g_k.

    f_k is channel k of the stage and g_k = d logit_c / d f_k in the same cell. Behind a linear
    rest of the model the map sums to the logit without its bias.
    """

    name: ClassVar[str] = "hires_cam"
    title: ClassVar[str] = "HiResCAM"
    reference: ClassVar[str] = "Draelos and Carin, 2020, arXiv 2011.08891"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = r"L_c(x,y) = \sum_k f_k(x,y) \frac{\partial z_c}{\partial f_k(x,y)}"
    caveat: ClassVar[str] = (
        "It is faithful where everything behind the stage is linear; at earlier stages it is noisy "
        "like any product of gradient and value."
    )
    signed: ClassVar[bool] = True
    stage: str = stage_setting()

    def unfit(self, classifier: Classifier) -> str | None:
        return no_stage(classifier, self.stage) or no_gradients(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1 if is_last(classifier, self.stage) else 3

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, gradients = stage_gradients(batch, targets, self.stage)
        return (activations[:, None] * gradients).sum(dim=2)
