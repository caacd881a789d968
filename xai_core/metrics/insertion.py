"""Insertion: how fast the probability rises when the most relevant pixels are revealed first."""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.methods.base import Method
from xai_core.metrics._curves import curve_work, removal_curve, whole_removal
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting


@dataclass(frozen=True)
class Insertion(Metric):
    """Area under p_c(blurred x with its k most relevant pixels revealed), k/P from 0 to 1.

    p_c is the probability of the target c and P the number of pixels. Revealing the most
    relevant first is removing the least relevant first, read backwards; the blur is RISE's
    (11 x 11 Gaussian, sigma 5 px, on the normalised image).
    """

    title = "Insertion"
    reference = "Petsiuk et al., BMVC 2018, arXiv 1806.07421"
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (0.0, 1.0)
    formula = r"\int_0^1 p_c\left(x_{\mathrm{blur}} \leftarrow \mathrm{top}\,f\right)\,df"
    caveat = (
        "A blurred image keeps colours and coarse shapes, so a model may stay sure of itself "
        "from the start; differences under 0.05 between papers are noise."
    )

    steps: int = setting(14, "portions in which the pixels are revealed", low=2, high=1000)
    imputer: str = setting(
        "blur", "what hides a pixel until it is revealed", choices=("blur", "zero", "mean")
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return curve_work("lerf", load_imputer(self.imputer), self.steps)

    def _score(self, case: Case) -> Scores:
        curve = removal_curve(case, "lerf", load_imputer(self.imputer), self.steps)
        return Scores(
            curve.area,
            curves={"insertion": curve.values.flip(1)},
            fractions=(1 - curve.fractions).flip(0),
            removed=whole_removal(case),
        )
