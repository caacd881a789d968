"""Relevance mass: the share of the positive relevance that lies on the object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Kind, Metric, Scores


@dataclass(frozen=True)
class RelevanceMass(Metric):
    """sum over the mask of max(M, 0) / sum over the image of max(M, 0).

    The mask itself scores 1; a uniform map scores the mask's share of the image.
    """

    name: ClassVar[str] = "relevance_mass"
    title: ClassVar[str] = "Relevance mass"
    reference: ClassVar[str] = "Arras et al., Information Fusion 2022, arXiv 2003.07258"
    kind: ClassVar[Kind] = "localisation"
    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs_masks: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{\sum_{p \in \mathrm{mask}} \max(M_p, 0)}{\sum_p \max(M_p, 0)}"
    caveat: ClassVar[str] = (
        "A model may rightly use the surroundings; chance is the mask's share of the image, so "
        "large objects score high with any map."
    )

    def _score(self, case: Case) -> Scores:
        positive = case.maps.flatten(1).double().clamp(min=0)
        inside = (positive * masks_of(case).flatten(1)).sum(dim=1)
        total = positive.sum(dim=1)
        values = torch.where(total > 0, inside / total, torch.nan)
        return with_reasons(case, values, total <= 0, "the map has no positive value")
