"""Deletion: how fast the probability falls when the most relevant pixels go first."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.methods.base import Method
from xai_core.metrics._curves import curve_work, removal_curve, whole_removal
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting


@dataclass(frozen=True)
class Deletion(Metric):
    """Area under p_c(x without its k most relevant pixels), k/P from 0 to 1, P pixels.

    p_c is the probability of the target c. `steps=224` with `imputer=zero` is RISE's
    definition at 224 px; 14 steps give about the same area (tests/benchmarks/steps.py).
    """

    title = "Deletion"
    reference = "Petsiuk et al., BMVC 2018, arXiv 1806.07421"
    kind = "faithfulness"
    higher_is_better = False
    needs_probabilities = True
    bounds = (0.0, 1.0)
    formula = r"\int_0^1 p_c\left(x_{\setminus\,\mathrm{top}\,f}\right)\,df"
    caveat = (
        "Images with holes are unlike any the model knows: scattered pixels can bring the "
        "probability down faster than the evidence itself, so compare with the random baselines."
    )

    steps: int = setting(14, "portions in which the pixels are removed", low=2, high=1000)
    imputer: str = setting(
        "zero", "what replaces a removed pixel", choices=("zero", "mean", "blur")
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return curve_work("morf", load_imputer(self.imputer), self.steps)

    def _score(self, case: Case) -> Scores:
        curve = removal_curve(case, "morf", load_imputer(self.imputer), self.steps)
        return Scores(
            curve.area,
            curves={"morf": curve.values},
            fractions=curve.fractions,
            removed=whole_removal(case),
        )
