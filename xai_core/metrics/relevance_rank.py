"""Relevance rank: how many of the most relevant pixels lie on the object."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Metric, Scores


@dataclass(frozen=True)
class RelevanceRank(Metric):
    """Share of the K largest values of max(M, 0) that lie on the mask, K its number of pixels.

    Of equal values at the border of the K, the share that is expected: the mask itself scores 1,
    a uniform map the mask's share of the image.
    """

    title = "Relevance rank"
    reference = "Arras et al., Information Fusion 2022, arXiv 2003.07258"
    kind = "localisation"
    higher_is_better = True
    bounds = (0.0, 1.0)
    needs_masks = True
    formula = r"\frac{|\mathrm{top}_K(\max(M, 0)) \cap \mathrm{mask}|}{K}"
    caveat = "A model may rightly use the surroundings; chance is the mask's share of the image."

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
