"""Activation attention: where the feature maps are large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from xai_core.methods._stage import no_stage, stage_and_rest, stage_setting
from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class ActivationAttention(Method):
    """The size of the feature maps in every cell: sum_k |f_k(x, y)|^p.

    f_k is channel k of the stage. Class-agnostic: the same map for every class.
    """

    name: ClassVar[str] = "activation_attention"
    title: ClassVar[str] = "Activation attention"
    reference: ClassVar[str] = "Zagoruyko and Komodakis, ICLR 2017, arXiv 1612.03928"
    family: ClassVar[Family] = "attention"
    formula: ClassVar[str] = r"A(x,y) = \sum_k |f_k(x,y)|^p"
    caveat: ClassVar[str] = (
        "It never looks at the class: it shows where the model responds at all, which may "
        "support it, contradict it, or belong to another class."
    )
    signed: ClassVar[bool] = False
    class_sensitive: ClassVar[bool] = False

    stage: str = stage_setting()
    power: float = setting(
        2.0, "exponent p; larger values favour the strongest cells", low=0.5, high=8.0
    )

    def unfit(self, classifier: Classifier) -> str | None:
        return no_stage(classifier, self.stage)

    def passes(self, classifier: Classifier) -> float:
        return 1

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, _ = stage_and_rest(batch, self.stage)
        maps = (activations.abs() ** self.power).sum(dim=1, keepdim=True)
        return maps.expand(-1, targets.shape[1], -1, -1)
