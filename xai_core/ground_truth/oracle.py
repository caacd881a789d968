"""Oracle: the ceiling of a benchmark, a method that knows the answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class Oracle(Method):
    """Each benchmark puts its own known answer in place of this method's (uniform) map.

    The importances measured by intervention, or the exact mask: what a perfect method would show.
    """

    title = "Oracle"
    reference = "known by construction of the scene"
    family = "baseline"
    formula = r"M = \text{known answer}"
    caveat = "Not a method: it reads the answer, and marks what can be reached."
    signed = True
    knows_truth = True

    def passes(self, classifier: Classifier) -> float:
        return 0

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        return torch.ones(*targets.shape, 1, 1, device=batch.images.device)
