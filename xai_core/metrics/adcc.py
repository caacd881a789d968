"""ADCC: average drop, coherency and complexity in one number."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.methods.base import Method
from xai_core.metrics._masking import (
    MASKED_WORK,
    empty,
    masked_images,
    masked_probability,
    weights_of,
)
from xai_core.metrics._ranks import pearson
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class ADCC(Metric):
    """3 / (1/COH + 1/(1 - COM) + 1/(1 - AD)), the harmonic mean of three shares.

    AD is the average drop max(0, Y - O) / Y; COM the mean of the map, scaled as for average drop;
    COH the correlation of the map with the method's map of the explanation image, moved from
    -1..1 to 0..1.
    """

    title = "ADCC"
    reference = "Poppi et al., CVPR Workshops 2021, arXiv 2104.10252"
    revision = 2
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (0.0, 1.0)
    reruns_method = True
    formula = (
        r"3 \left(\frac{1}{\mathrm{COH}} + \frac{1}{1 - \mathrm{COM}}"
        r" + \frac{1}{1 - \mathrm{AD}}\right)^{-1}"
    )
    caveat = (
        "Two of its three parts describe the map's style; it is undefined where the explanation "
        "image loses all probability."
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (*MASKED_WORK, Work(("coherency", method.key()), method.passes(classifier)))

    def _score(self, case: Case) -> Scores:
        weights = weights_of(case)
        masked = Batch(case.batch.classifier, masked_images(case), case.batch.sha256s)
        again = case.method.attribute(masked, case.targets[:, None])[:, 0]
        again = again.clamp(min=0).flatten(1)
        coherency = (pearson(weights.flatten(1), again) + 1) / 2
        drop = (case.start - masked_probability(case)).clamp(min=0) / case.start
        shares = torch.stack([coherency, 1 - weights.mean(dim=(1, 2)).double(), 1 - drop.double()])
        values = (3 / (1 / shares).sum(dim=0)).float()
        values = values.masked_fill(~(shares > 0).all(dim=0), torch.nan)
        nothing, why = empty(case, weights)
        return Scores(
            values.masked_fill(nothing, torch.nan),
            tuple(
                why if none else _reason(column)
                for none, column in zip(nothing.tolist(), shares.T.tolist(), strict=True)
            ),
            removed=1 - weights.mean(dim=(1, 2)),
        )


def _reason(shares: list[float]) -> str:
    coherency, plainness, kept = shares
    if not coherency > 0:
        return "one of the two maps is constant, or they are exactly opposed"
    if plainness <= 0:
        return "the map is constant"
    return "" if kept > 0 else "the explanation image loses all probability"
