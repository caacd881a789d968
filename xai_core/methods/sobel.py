"""Sobel: the edges of the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch


@dataclass(frozen=True)
class Sobel(Method):
    """The strength of the edges: sqrt((S_x * g)^2 + (S_y * g)^2).

    g is the grey image from 0 to 1, S_x and S_y the 3 x 3 Sobel filters and * the convolution.
    """

    title = "Sobel edges"
    reference = "edge detector as a null baseline: Adebayo et al., NeurIPS 2018"
    family = "baseline"
    formula = r"M = \sqrt{(S_x * g)^2 + (S_y * g)^2}"
    caveat = (
        "It explains nothing: it never asks the model. Maps that look like it may show the "
        "image instead of the reasons."
    )
    signed = False
    cost = 0
    class_sensitive = False

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        maps = torch.from_numpy(np.stack([edges(rgb) for rgb in batch.rgb]))
        return maps.to(batch.images.device)[:, None].expand(-1, targets.shape[1], -1, -1)


def edges(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The edge strength (H, W) float32 of an RGB image (H, W, 3)."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    strength: npt.NDArray[np.float32] = np.hypot(
        cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1)
    )
    return strength
