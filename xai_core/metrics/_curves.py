"""Removal curves: the target's probability while pixels go, in either order, by exact count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor

from xai_core.metrics._perturb import imputed_logits, removal_logits
from xai_core.metrics.base import Case, Work
from xai_core.models.imputers import Imputer

Order = Literal["morf", "lerf"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Probabilities (N, P) at removed fractions (P,), from 0 to 1."""

    values: Tensor
    fractions: Tensor

    @property
    def area(self) -> Tensor:
        """(N,) area by the trapezoid rule, over the fraction removed."""
        return torch.trapezoid(self.values, self.fractions, dim=1)


def curve_work(order: Order, imputer: Imputer, steps: int) -> tuple[Work, ...]:
    """The forward passes of a removal curve: its inner points, and the image fully removed."""
    return (
        Work(("curve", order, imputer, steps), steps - 1),
        Work(("imputed_logits", imputer), 1, per_map=False),
    )


def removal_curve(case: Case, order: Order, imputer: Imputer, steps: int) -> Curve:
    """The target's probability while the map's pixels are removed in `steps` equal portions.

    "morf" removes the most relevant first, "lerf" the least relevant. The curve is kept with the
    case, so that metrics which need the same one share its forward passes; the two ends are
    shared by all methods.
    """
    key = ("curve", order, imputer, steps)
    return cast(Curve, case.once(key, lambda: _removal_curve(case, order, imputer, steps)))


def _removal_curve(case: Case, order: Order, imputer: Imputer, steps: int) -> Curve:
    pixels = case.ranks.shape[1]
    counts = (torch.arange(steps + 1, dtype=torch.float64) / steps * pixels).round().long()
    inner = counts[1:-1].to(case.ranks.device)
    ends = case.probability(imputed_logits(case.batch, imputer))[:, None]
    middle = case.start.new_empty(len(case.batch), 0)
    if len(inner):
        middle = target_probabilities(case, imputer, inner, order)
    values = torch.cat([case.start[:, None], middle, ends], dim=1)
    return Curve(values, (counts.double() / pixels).float().to(values.device))


def target_probabilities(case: Case, imputer: Imputer, counts: Tensor, order: Order) -> Tensor:
    """(N, S) probability of the target without the first `counts` (S,) pixels in that order."""
    last = case.ranks.shape[1] - 1

    def removed(index: Tensor, step: Tensor) -> Tensor:
        ranks = case.ranks[index]
        return (ranks if order == "morf" else last - ranks) < counts[step][:, None]

    logits = removal_logits(case.batch, imputer, len(counts), removed)
    return case.probability(logits)


def whole_removal(case: Case) -> Tensor:
    """(N,) ones: these curves go on until every pixel is removed."""
    return torch.ones_like(case.start)
