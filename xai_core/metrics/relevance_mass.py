"""Relevance mass: the share of the positive relevance that lies on the object."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Metric, Scores


@dataclass(frozen=True)
class RelevanceMass(Metric):
    """sum over the mask of max(M, 0) / sum over the image of max(M, 0).

    The mask itself scores 1; a uniform map scores the mask's share of the image.
    """

    title = "Relevance mass"
    reference = "Arras et al., Information Fusion 2022, arXiv 2003.07258"
    kind = "localisation"
    higher_is_better = True
    bounds = (0.0, 1.0)
    needs_masks = True
    formula = r"\frac{\sum_{p \in \mathrm{mask}} \max(M_p, 0)}{\sum_p \max(M_p, 0)}"
    caveat = (
        "A model may rightly use the surroundings; chance is the mask's share of the image, so "
        "large objects score high with any map."
    )

    def _score(self, case: Case) -> Scores:
        positive = case.maps.flatten(1).double().clamp(min=0)
        inside = (positive * masks_of(case).flatten(1)).sum(dim=1)
        total = positive.sum(dim=1)
        values = torch.where(total > 0, inside / total, torch.nan)
        return with_reasons(case, values, total <= 0, "the map has no positive value")
