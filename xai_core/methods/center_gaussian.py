"""Centre Gaussian: images are taken with the subject in the middle."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class CenterGaussian(Method):
    """A bell in the middle of the image: exp(-(u^2 + v^2) / (2 width^2)).

    u and v are the distances from the centre as fractions of the image's width and height.
    """

    title = "Centre Gaussian"
    reference = "null baseline of this project"
    family = "baseline"
    formula = r"M(x,y) = \exp\left(-\frac{u^2 + v^2}{2 \sigma^2}\right)"
    caveat = (
        "It explains nothing. Where it scores well, the metric or the data set rewards the middle "
        "of the image."
    )
    signed = False
    cost = 0
    class_sensitive = False

    width: float = setting(
        0.25, "standard deviation, as a fraction of the image's side", low=0.01, high=2.0
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        height, width = batch.images.shape[-2:]
        u = (torch.arange(width) + 0.5) / width - 0.5
        v = (torch.arange(height) + 0.5) / height - 0.5
        bell = torch.exp(-(v[:, None] ** 2 + u**2) / (2 * self.width**2))
        return bell.to(batch.images.device).expand(*targets.shape, -1, -1)
