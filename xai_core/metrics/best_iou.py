"""Best IoU: how well a map, cut at a threshold, covers the object."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Metric, Scores
from xai_core.recipe import setting

CAM_SHARE = 0.2


@dataclass(frozen=True)
class BestIoU(Metric):
    """max over thresholds t of |{M >= t} and mask| / |{M >= t} or mask|, per image.

    The rule "cam" instead takes the largest connected region above 20 % of the map's maximum, as
    CAM's authors do for their boxes. Not comparable with MaxBoxAccV2, which chooses one threshold
    for a data set.
    """

    title = "Best IoU"
    reference = "Choe et al., CVPR 2020, arXiv 2001.07437 (on the threshold's role)"
    kind = "localisation"
    higher_is_better = True
    bounds = (0.0, 1.0)
    needs_masks = True
    formula = r"\max_t \frac{|\{M \ge t\} \cap \mathrm{mask}|}{|\{M \ge t\} \cup \mathrm{mask}|}"
    caveat = (
        "The threshold is chosen with the mask in hand, so this is the best that a map allows, "
        "and never below the mask's share of the image."
    )

    threshold: str = setting(
        "best", "best threshold per image, or CAM's 20 % rule", choices=("best", "cam")
    )

    def _score(self, case: Case) -> Scores:
        masks = masks_of(case)
        values = (
            cam_rule_iou(case.maps, masks) if self.threshold == "cam" else best(case.maps, masks)
        )
        return with_reasons(case, values, torch.zeros_like(values, dtype=torch.bool), "")


def best(maps: Tensor, masks: Tensor) -> Tensor:
    """(N,) the largest IoU over all thresholds of maps (N, H, W), equal values kept together."""
    ordered, order = maps.flatten(1).sort(dim=1, descending=True)
    hits = masks.flatten(1).gather(1, order).cumsum(dim=1).double()
    taken = torch.arange(1, ordered.shape[1] + 1, dtype=torch.float64, device=maps.device)
    iou = hits / (taken + hits[:, -1:] - hits)
    last = torch.ones_like(iou, dtype=torch.bool)
    last[:, :-1] = ordered[:, :-1] != ordered[:, 1:]
    return torch.where(last, iou, 0.0).amax(dim=1)


def cam_rule_iou(maps: Tensor, masks: Tensor) -> Tensor:
    """(N,) IoU of the largest connected region above 20 % of the maximum."""
    values = []
    for scores, mask in zip(maps.cpu().numpy(), masks.cpu().numpy(), strict=True):
        above = (scores > 0) & (scores >= CAM_SHARE * scores.max())
        _, labels, sizes, _ = cv2.connectedComponentsWithStats(
            above.astype(np.uint8), connectivity=8
        )
        region = np.zeros_like(mask)
        if len(sizes) > 1:
            region = labels == 1 + sizes[1:, cv2.CC_STAT_AREA].argmax()
        either = (region | mask).sum()
        values.append(float((region & mask).sum() / either) if either else 0.0)
    return torch.tensor(values, dtype=torch.float64, device=maps.device)
