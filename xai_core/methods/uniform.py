"""Uniform: every pixel counts the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Family, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class Uniform(Method):
    """The same value everywhere: M(x, y) = 1; metrics that need an order break ties at random."""

    name: ClassVar[str] = "uniform"
    title: ClassVar[str] = "Uniform"
    reference: ClassVar[str] = "null baseline of this project"
    family: ClassVar[Family] = "baseline"
    formula: ClassVar[str] = r"M(x,y) = 1"
    caveat: ClassVar[str] = (
        "It explains nothing. It is the chance level of mass-based localisation: the area of the "
        "object."
    )
    signed: ClassVar[bool] = False
    class_sensitive: ClassVar[bool] = False

    def passes(self, classifier: Classifier) -> float:
        return 0

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        return torch.ones(*targets.shape, height, width, device=batch.images.device)
