"""Average drop: how much probability the explanation image loses."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.methods.base import Method
from xai_core.metrics._masking import MASKED_WORK, masked_probability, masked_scores
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class AverageDrop(Metric):
    """max(0, Y - O) / Y, Y = p_c(x) and O = p_c(x times its map), p_c the probability.

    A signed map is cut at 0 and divided by its maximum, an unsigned one is scaled from its minimum
    and maximum to 0 and 1; multiplying the normalised image moves pixels towards the training
    data's mean colour.
    """

    title = "Average drop"
    reference = "Chattopadhay et al., WACV 2018, arXiv 1710.11063"
    revision = 2
    kind = "faithfulness"
    higher_is_better = False
    needs_probabilities = True
    bounds = (0.0, 1.0)
    formula = r"\frac{\max(0, p_c(x) - p_c(x \odot M))}{p_c(x)}"
    caveat = (
        "A map that is high nearly everywhere scores almost best and explains nothing: read it "
        "beside other metrics."
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return MASKED_WORK

    def _score(self, case: Case) -> Scores:
        drop = (case.start - masked_probability(case)).clamp(min=0) / case.start
        return masked_scores(case, drop)
