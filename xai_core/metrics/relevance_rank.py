"""Relevance rank: how many of the most relevant pixels lie on the object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Kind, Metric, Scores


@dataclass(frozen=True)
class RelevanceRank(Metric):
    """Share of the K largest values of max(M, 0) that lie on the mask, K its number of pixels.

    Of equal values at the border of the K, the share that is expected: the mask itself scores 1,
    a uniform map the mask's share of the image.
    """

    name: ClassVar[str] = "relevance_rank"
    title: ClassVar[str] = "Relevance rank"
    reference: ClassVar[str] = "Arras et al., Information Fusion 2022, arXiv 2003.07258"
    kind: ClassVar[Kind] = "localisation"
    higher_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs_masks: ClassVar[bool] = True
    formula: ClassVar[str] = r"\frac{|\mathrm{top}_K(\max(M, 0)) \cap \mathrm{mask}|}{K}"
    caveat: ClassVar[str] = (
        "A model may rightly use the surroundings; chance is the mask's share of the image."
    )

    def _score(self, case: Case) -> Scores:
        masks = masks_of(case).flatten(1)
        size = masks.sum(dim=1)
        positive = case.maps.flatten(1).clamp(min=0)
        ordered = positive.sort(dim=1, descending=True).values
        border = ordered.gather(1, (size - 1).clamp(min=0)[:, None])
        above, level = positive > border, positive == border
        hits = (above & masks).sum(dim=1).double()
        room = size - above.sum(dim=1)
        hits += room * (level & masks).sum(dim=1) / level.sum(dim=1)
        values = hits / size.clamp(min=1)
        return with_reasons(case, values, torch.zeros_like(size, dtype=torch.bool), "")
