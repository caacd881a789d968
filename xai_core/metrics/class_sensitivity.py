"""Class sensitivity: does the map change when another class is explained?"""

from __future__ import annotations

from dataclasses import dataclass

from xai_core.methods.base import Method
from xai_core.metrics._ranks import pearson
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.classifier import Classifier


@dataclass(frozen=True)
class ClassSensitivity(Metric):
    """Correlation of the map of the case's class with the map of the least probable class.

    1 says that the method draws the same for both: it does not explain the class.
    """

    title = "Class sensitivity"
    reference = "Li et al., 2020, arXiv 2012.15616"
    kind = "check"
    higher_is_better = None
    bounds = (-1.0, 1.0)
    reruns_method = True
    formula = r"\mathrm{corr}\left(M_{c}, M_{\arg\min_k p_k}\right)"
    caveat = (
        "Lower is better, down to 0: a method that ignores the class scores 1. It says nothing "
        "about whether the evidence is right."
    )

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work((self.name, method.key()), method.passes(classifier)),)

    def _score(self, case: Case) -> Scores:
        least = case.batch.logits.argmin(dim=1)
        other = case.method.attribute(case.batch, least[:, None])[:, 0]
        values = pearson(case.maps.flatten(1), other.flatten(1)).float()
        reasons = tuple(
            "one of the two maps is constant" if v else "" for v in values.isnan().tolist()
        )
        return Scores(values, reasons)
