"""LayerCAM: activations weighted by the positive gradient of each cell."""

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
class LayerCAM(Method):
    """Activations times the positive part of their gradients: L_c = sum_k f_k relu(g_k).

    f_k is channel k of the stage and g_k = d logit_c / d f_k in the same cell; made to work at
    early stages with fine grids too.
    """

    name: ClassVar[str] = "layer_cam"
    title: ClassVar[str] = "LayerCAM"
    reference: ClassVar[str] = "Jiang et al., IEEE TIP 2021"
    family: ClassVar[Family] = "CAM"
    formula: ClassVar[str] = (
        r"L_c(x,y) = \sum_k f_k(x,y) \max\left("
        r"\frac{\partial z_c}{\partial f_k(x,y)}, 0\right)"
    )
    caveat: ClassVar[str] = (
        "Negative gradients are dropped, so regions that support and contradict the class at once "
        "look like plain support."
    )
    signed: ClassVar[bool] = False
    stage: str = stage_setting()

    def unfit(self, classifier: Classifier) -> str | None:
        return no_stage(classifier, self.stage) or no_gradients(classifier)

    def passes(self, classifier: Classifier) -> float:
        return 1 if is_last(classifier, self.stage) else 3

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, gradients = stage_gradients(batch, targets, self.stage)
        return (activations[:, None] * gradients.relu()).sum(dim=2)
