"""Average gain: how much probability the explanation image wins."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from xai_core.methods.base import Method
from xai_core.metrics._masking import MASKED_WORK, masked_probability, masked_scores
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class AverageGain(Metric):
    """max(0, O - Y) / (1 - Y), Y = p_c(x) and O = p_c(x times its map), p_c the probability.

    A signed map is cut at 0 and divided by its maximum, an unsigned one is scaled from its minimum
    and maximum to 0 and 1; multiplying the normalised image moves pixels towards the training
    data's mean colour.
    """

    title = "Average gain"
    reference = "Zhang et al., 2023, arXiv 2301.07002 (Opti-CAM)"
    revision = 2
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (0.0, 1.0)
    formula = r"\frac{\max(0, p_c(x \odot M) - p_c(x))}{1 - p_c(x)}"
    caveat = (
        "A map that is high nearly everywhere scores almost best and explains nothing: read it "
        "beside other metrics."
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return MASKED_WORK

    def _score(self, case: Case) -> Scores:
        room = (1 - case.start).clamp(min=torch.finfo().eps)
        gain = (masked_probability(case) - case.start).clamp(min=0) / room
        return masked_scores(case, gain.clamp(max=1))
