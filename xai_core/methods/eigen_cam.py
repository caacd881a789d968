"""Eigen-CAM: the main pattern of the feature maps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods._stage import StageMethod, stage_and_rest
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.recipe import setting


@dataclass(frozen=True)
class EigenCAM(StageMethod):
    """The feature maps' projection on their first principal direction: L = F v_1.

    F (hw, K) holds the K feature maps as columns and v_1 is its first right singular vector,
    pointed where the feature maps are active. Class-agnostic.
    """

    title = "Eigen-CAM"
    reference = "Muhammad and Yeasin, IJCNN 2020, arXiv 2008.00299"
    family = "CAM"
    formula = r"L = F v_1,\quad F = U \Sigma V^\top \in \mathbb{R}^{hw \times K}"
    caveat = (
        "It never looks at the class: it shows what stands out in the feature maps, which is the "
        "same map for every class."
    )
    signed = True
    class_sensitive = False
    centred: bool = setting(
        False, "subtract every channel's mean first, as some implementations do; the paper does not"
    )

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        maps = [self._pattern(image) for image in stage_and_rest(batch, self.stage)[0]]
        return torch.stack(maps)[:, None].expand(-1, targets.shape[1], -1, -1)

    def _pattern(self, activations: Tensor) -> Tensor:
        grid = activations.flatten(1).T
        centred = grid - grid.mean(dim=0) if self.centred else grid
        pattern: Tensor = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[0]
        # A singular vector has no sign: point it where the feature maps are active.
        activity = grid.sum(dim=1)
        activity = activity - activity.mean() if self.centred else activity
        sign = 1 if float(pattern @ activity) >= 0 else -1
        return sign * pattern.view(activations.shape[1:])
