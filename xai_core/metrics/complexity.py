"""Complexity: over how many pixels a map spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from xai_core.metrics._descriptive import share_of_magnitude
from xai_core.metrics.base import Case, Metric, Scores


@dataclass(frozen=True)
class Complexity(Metric):
    """Entropy - sum_p s_p ln s_p of the shares s_p = |M_p| / sum |M|, in nats.

    0 for a single pixel, ln P for a constant map, P the pixels of the model's input.
    """

    title = "Complexity"
    reference = "Bhatt et al., IJCAI 2020, arXiv 2005.00631"
    kind = "descriptive"
    higher_is_better = None
    bounds = (0.0, math.inf)
    formula = r"-\sum_p s_p \ln s_p, \quad s_p = \frac{|M_p|}{\sum_q |M_q|}"
    caveat = "Describes a map's style and says nothing about its correctness."

    def _score(self, case: Case) -> Scores:
        share, reasons = share_of_magnitude(case)
        return Scores(-torch.xlogy(share, share).sum(dim=1).float(), reasons)
