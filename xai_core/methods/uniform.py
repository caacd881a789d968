"""Uniform: every pixel counts the same."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch


@dataclass(frozen=True)
class Uniform(Method):
    """The same value everywhere: M(x, y) = 1; metrics that need an order break ties at random."""

    title = "Uniform"
    reference = "null baseline of this project"
    family = "baseline"
    formula = r"M(x,y) = 1"
    caveat = (
        "It explains nothing. It is the chance level of mass-based localisation: the area of the "
        "object."
    )
    signed = False
    cost = 0
    class_sensitive = False

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        return torch.ones(*targets.shape, height, width, device=batch.images.device)
