"""What a run folder's manifest says of its recipes, its model and its data."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.manifest import Manifest
from xai_core.images.reading import Framing
from xai_core.methods.base import Method
from xai_core.metrics.base import Metric
from xai_core.models.batch import Precision
from xai_core.models.classifier import Classifier

FIXED = ("dataset", "classifier", "framing", "reading", "precision")
"""What must be the same in all calls on one run folder."""
LIBRARIES = ("torch", "torchvision", "captum", "numpy", "scikit-image", "pandas")


def describe_method(method: Method, classifier: Classifier) -> dict[str, Any]:
    """What result pages need to know of a method without importing it."""
    return {
        **_described(method),
        "family": method.family,
        "signed": method.signed,
        "class_sensitive": method.class_sensitive,
        "backed_by": method.backed_by,
        "passes": method.passes(classifier),
    }


def describe_metric(metric: Metric, classifier: Classifier, method: Method) -> dict[str, Any]:
    """What result pages need to know of a metric without importing it; passes as for `method`."""
    return {
        **_described(metric),
        "kind": metric.kind,
        "higher_is_better": metric.higher_is_better,
        "bounds": [bound if abs(bound) < float("inf") else None for bound in metric.bounds],
        "passes": metric.passes(classifier, method),
    }


def _described(recipe: Method | Metric) -> dict[str, Any]:
    return {
        "spec": recipe.spec(),
        "name": recipe.name,
        "title": recipe.title,
        "label": recipe.label(),
        "formula": recipe.formula,
        "caveat": recipe.caveat,
        "reference": recipe.reference,
        "settings": recipe.settings(),
    }


def describe_run(
    classifier: Classifier, dataset: Dataset, framing: Framing, precision: Precision
) -> Manifest:
    """What must be the same for all that is in one run folder, and the libraries' versions."""
    form = classifier.form
    return Manifest(
        dataset=dataset.name,
        classifier={
            "name": classifier.name,
            "fingerprint": classifier.fingerprint,
            "categories": list(classifier.categories),
            "form": {
                "size": form.size,
                "resize": form.resize,
                "mean": list(form.mean),
                "std": list(form.std),
            },
        },
        framing=framing,
        reading=dataset.reading.described(),
        precision=precision,
        source=classifier.source,
        versions=dict(_versions()),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
