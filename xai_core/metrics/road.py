"""ROAD: removal without traces, least against most relevant first."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.methods.base import Method
from xai_core.metrics._curves import target_probabilities
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Road(Metric):
    """(mean of p_c(LeRF) - mean of p_c(MoRF)) / 2 over 10 %, 20 %, ... 90 % of pixels removed.

    p_c is the probability of the target; LeRF removes the least, MoRF the most relevant
    pixels, and what is removed is interpolated from its surroundings, with some noise.
    """

    title = "ROAD"
    reference = "Rong et al., ICML 2022, arXiv 2202.00449"
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (-0.5, 0.5)
    formula = (
        r"\frac{1}{2 \cdot 9} \sum_{f = 0.1}^{0.9} p_c^{\mathrm{LeRF}}(f) - p_c^{\mathrm{MoRF}}(f)"
    )
    caveat = "Blurry maps are favoured: scattered pixels are interpolated back almost perfectly."

    imputer: str = setting(
        "noisy_linear",
        "what replaces a removed pixel",
        choices=("noisy_linear", "zero", "mean", "blur"),
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work((self.name, self.key()), 2 * len(FRACTIONS)),)

    def _score(self, case: Case) -> Scores:
        pixels = case.ranks.shape[1]
        counts = (torch.tensor(FRACTIONS, dtype=torch.float64) * pixels).round().long()
        counts = counts.to(case.ranks.device)
        imputer = load_imputer(self.imputer)
        morf = target_probabilities(case, imputer, counts, "morf")
        lerf = target_probabilities(case, imputer, counts, "lerf")
        fractions = (counts.double() / pixels).float()
        return Scores(
            (lerf.mean(dim=1) - morf.mean(dim=1)) / 2,
            curves={"morf": morf, "lerf": lerf},
            fractions=fractions,
            removed=fractions[-1].expand(len(morf)),
        )
