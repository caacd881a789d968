"""Activation attention: where the feature maps are large."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from xai_core.methods._stage import StageMethod, stage_and_rest
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class ActivationAttention(StageMethod):
    """The size of the feature maps in every cell: sum_k |f_k(x, y)|^p.

    f_k is channel k of the stage. Class-agnostic: the same map for every class.
    """

    title = "Activation attention"
    reference = "Zagoruyko and Komodakis, ICLR 2017, arXiv 1612.03928"
    family = "attention"
    formula = r"A(x,y) = \sum_k |f_k(x,y)|^p"
    caveat = (
        "It never looks at the class: it shows where the model responds at all, which may "
        "support it, contradict it, or belong to another class."
    )
    signed = False
    class_sensitive = False
    power: float = setting(
        2.0, "exponent p; larger values favour the strongest cells", low=0.5, high=8.0
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        activations, _ = stage_and_rest(batch, self.stage)
        maps = (activations.abs() ** self.power).sum(dim=1, keepdim=True)
        return maps.expand(-1, targets.shape[1], -1, -1)
