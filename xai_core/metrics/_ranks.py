"""Rank correlation with ties, for whole batches."""

from __future__ import annotations

import torch
from torch import Tensor


def average_ranks(values: Tensor) -> Tensor:
    """Ranks (N, R) float64 of the values in each row from 1, equal values sharing their mean."""
    ordered, order = values.sort(dim=1, stable=True)
    count = values.shape[1]
    starts = torch.searchsorted(ordered, ordered, right=False)
    ends = torch.searchsorted(ordered, ordered, right=True)
    shared = (starts + ends + 1).double() / 2
    ranks = torch.empty(len(values), count, dtype=torch.float64, device=values.device)
    return ranks.scatter_(1, order, shared)


def pearson(first: Tensor, second: Tensor) -> Tensor:
    """(N,) correlation of the rows of two (N, R); NaN where a row is constant."""
    first, second = first.double(), second.double()
    constant = (first == first[:, :1]).all(dim=1) | (second == second[:, :1]).all(dim=1)
    first = first - first.mean(dim=1, keepdim=True)
    second = second - second.mean(dim=1, keepdim=True)
    scale = first.norm(dim=1) * second.norm(dim=1)
    correlation = (first * second).sum(dim=1) / scale
    bounded: Tensor = correlation.clamp(-1, 1).masked_fill(constant, torch.nan)
    return bounded


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """(N,) rank correlation of the rows of two (N, R); NaN where a row is constant."""
    return pearson(average_ranks(first.contiguous()), average_ranks(second.contiguous()))
