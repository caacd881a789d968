"""Symmetric relevance gain: the area between removing the least and the most relevant first."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.methods.base import Method
from xai_core.metrics._curves import curve_work, removal_curve, whole_removal
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting


@dataclass(frozen=True)
class SymmetricRelevanceGain(Metric):
    """Area of LeRF minus area of MoRF, where each is p_c over the fraction of pixels removed.

    p_c is the probability of the target c; LeRF removes the least relevant pixels first
    and MoRF the most relevant. Reversing a map reverses the sign; random maps score about 0.
    """

    title = "Symmetric relevance gain"
    reference = "Bluecher et al., TMLR 2024, arXiv 2401.06654"
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (-1.0, 1.0)
    formula = r"\int_0^1 p_c^{\mathrm{LeRF}}(f) - p_c^{\mathrm{MoRF}}(f)\,df"
    caveat = (
        "Much steadier over imputers than deletion or insertion alone, but it still works with "
        "images that the model was not trained on."
    )

    steps: int = setting(14, "portions in which the pixels are removed", low=2, high=1000)
    imputer: str = setting(
        "zero", "what replaces a removed pixel", choices=("zero", "mean", "blur")
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        imputer = load_imputer(self.imputer)
        morf = curve_work("morf", imputer, self.steps)
        lerf = curve_work("lerf", imputer, self.steps)
        return tuple(dict.fromkeys((*morf, *lerf)))

    def _score(self, case: Case) -> Scores:
        imputer = load_imputer(self.imputer)
        morf = removal_curve(case, "morf", imputer, self.steps)
        lerf = removal_curve(case, "lerf", imputer, self.steps)
        return Scores(
            lerf.area - morf.area,
            curves={"morf": morf.values, "lerf": lerf.values},
            fractions=morf.fractions,
            removed=whole_removal(case),
        )
