"""Pointing game: does the map's maximum lie on the object?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Metric, Scores
from xai_core.recipe import setting


@dataclass(frozen=True)
class PointingGame(Metric):
    """1 if the pixel of the largest value lies on the mask or at most `tolerance_px` beside it.

    Of several largest pixels, the share that hits: a constant map scores at chance. The tolerance
    is in pixels of a 224 px image and scales with the image.
    """

    title = "Pointing game"
    reference = "Zhang et al., ECCV 2016, arXiv 1608.00507"
    kind = "localisation"
    higher_is_better = True
    bounds = (0.0, 1.0)
    needs_masks = True
    formula = r"\mathbb{1}\left[d(\arg\max_p M_p, \mathrm{mask}) \le 15\right]"
    caveat = (
        "One pixel decides, and photographers put objects in the middle: compare with the centre "
        "baseline."
    )

    tolerance_px: float = setting(
        15.0, "how far beside the mask still counts, pixels at 224 px", low=0, high=100
    )

    def _score(self, case: Case) -> Scores:
        masks = masks_of(case)
        near = grown(masks, self.tolerance_px * masks.shape[-1] / 224).flatten(1)
        flat = case.maps.flatten(1)
        largest = flat == flat.amax(dim=1, keepdim=True)
        values = (largest & near).sum(dim=1).double() / largest.sum(dim=1)
        return with_reasons(case, values, torch.zeros_like(values, dtype=torch.bool), "")


def grown(masks: Tensor, radius_px: float) -> Tensor:
    """Masks (N, H, W) bool with every pixel within `radius_px` (Euclidean) of them."""
    reach = []
    for mask in masks.cpu().numpy():
        if not mask.any():
            reach.append(np.zeros_like(mask))
            continue
        away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        reach.append(np.asarray(away) <= radius_px)
    return torch.from_numpy(np.stack(reach)).to(masks.device)
