"""Sparseness: on how few pixels a map concentrates."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.metrics._descriptive import share_of_magnitude
from xai_core.metrics.base import Case, Metric, Scores


@dataclass(frozen=True)
class Sparseness(Metric):
    """Gini index of |M|: 1 - 2 sum_k v_(k) (P - k + 1/2) / P, v sorted upwards and summing to 1.

    P is the number of pixels of the model's input, the same for all methods. 0 for a constant
    map, 1 - 1/P for a single pixel.
    """

    title = "Sparseness"
    reference = "Chalasani et al., ICML 2020, arXiv 1810.06583"
    kind = "descriptive"
    higher_is_better = None
    bounds = (0.0, 1.0)
    formula = r"1 - 2 \sum_{k=1}^{P} \frac{|M|_{(k)}}{\sum_p |M_p|} \cdot \frac{P - k + 1/2}{P}"
    caveat = "Describes a map's style and says nothing about its correctness."

    def _score(self, case: Case) -> Scores:
        share, reasons = share_of_magnitude(case)
        ordered = share.sort(dim=1).values
        pixels = ordered.shape[1]
        position = torch.arange(1, pixels + 1, dtype=torch.float64, device=ordered.device)
        gini = 1 - 2 * (ordered * ((pixels - position + 0.5) / pixels)).sum(dim=1)
        return Scores(gini.clamp(min=0).float(), reasons)
