"""IROF: deletion by superpixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.images.regions import region_sums
from xai_core.images.superpixels import Slic
from xai_core.methods.base import Method
from xai_core.metrics._curves import whole_removal
from xai_core.metrics._perturb import imputed_logits, perturbed_logits
from xai_core.metrics.base import TIE_SEED, Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting


@dataclass(frozen=True)
class IROF(Metric):
    """mean over l = 1..L of 1 - p_c(x without its l most relevant superpixels) / p_c(x).

    p_c is the probability of the target; the L superpixels (SLIC) are ordered by the mean
    of the map in each, equal means by the same random order for all methods.
    """

    title = "IROF"
    reference = "Rieger and Hansen, 2020, arXiv 2003.08747"
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (-math.inf, 1.0)
    formula = r"\frac{1}{L} \sum_{l=1}^{L} \left(1 - \frac{p_c(x_{\setminus 1..l})}{p_c(x)}\right)"
    caveat = (
        "Fair to methods of any grain, but a map is judged by its superpixels' means only, which "
        "is just how SeCAM and LIME draw theirs."
    )

    segments: int = setting(50, "number of superpixels", low=2, high=1000)
    compactness: float = setting(10.0, "squareness of the superpixels", low=0.01, high=1000)
    imputer: str = setting(
        "mean", "what replaces a removed superpixel", choices=("zero", "mean", "blur")
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (
            Work(("irof", self.key()), self.segments - 1),
            Work(("imputed_logits", load_imputer(self.imputer)), 1, per_map=False),
        )

    def _score(self, case: Case) -> Scores:
        batch, imputer = case.batch, load_imputer(self.imputer)
        ranks, counts = segment_ranks(case, batch.segments(Slic(self.segments, self.compactness)))
        # one pass for each image and number of removed superpixels, 1 .. L - 1
        index = torch.arange(len(batch), device=counts.device).repeat_interleave(counts - 1)
        removed = torch.cat([torch.arange(1, count) for count in counts.tolist()]).to(counts.device)
        logits = perturbed_logits(
            batch, imputer, index, lambda part: ranks[index[part]] < removed[part, None]
        )
        inner = batch.classifier.probabilities(logits).gather(1, case.targets[index, None])[:, 0]
        ends = case.probability(imputed_logits(batch, imputer))
        shape = (len(batch), int(counts.max()) + 1)
        curve = torch.full(shape, torch.nan, device=inner.device)
        curve[:, 0] = case.start
        curve[index, removed] = inner
        curve[torch.arange(len(batch)), counts] = ends
        values = 1 - (curve[:, 1:] / case.start[:, None]).nanmean(dim=1)
        sizes = torch.stack([(ranks < step).float().mean(dim=1) for step in range(shape[1])], dim=1)
        return Scores(values, curves={"irof": curve}, fractions=sizes, removed=whole_removal(case))


def segment_ranks(case: Case, segments: Tensor) -> tuple[Tensor, Tensor]:
    """(N, H*W) rank of each pixel's superpixel, 0 the most relevant; (N,) superpixels."""
    sums, sizes = region_sums(case.maps[:, None].double(), segments)
    means = sums[:, 0] / sizes.clamp(min=1)
    ranks = torch.empty_like(segments.flatten(1))
    counts = (sizes > 0).sum(dim=1)
    for index, count in enumerate(counts.tolist()):
        shuffle = torch.randperm(count, generator=case.batch.generator(TIE_SEED, index))
        shuffle = shuffle.to(means.device)
        order = shuffle[means[index, shuffle].argsort(descending=True, stable=True)]
        rank = torch.empty_like(order)
        rank[order] = torch.arange(count, device=order.device)
        ranks[index] = rank[segments[index].flatten()]
    return ranks, counts
