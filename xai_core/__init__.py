"""Explain, score and compare: one call each, or the pieces that they are made of.

`explain` and `evaluate` answer in one call, and a notebook draws the answer:

>>> maps = explain("orchard", DATA / "orchard/images/apple-1-1.jpg", ["cam", "secam"])
>>> maps["secam"].shape                                     # (images, classes, height, width)
(1, 1, 224, 224)

In pieces, for research code:

>>> classifier = load_classifier("orchard")                                 # a frozen model
>>> batch = Batch.of(classifier, [open_image(DATA / "orchard/images/apple-1-1.jpg")])
>>> method = METHODS["secam"](segments=100)
>>> maps = method.attribute(batch, batch.predicted[:, None])                # (N, 1, H, W)
>>> case = Case(batch, batch.predicted, maps[:, 0], method)                 # what a metric sees
>>> METRICS["single_deletion"]().score(case).values.shape                   # (N,), one per image
torch.Size([1])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xai_core.places import DATA

if TYPE_CHECKING:
    from xai_core.evaluation.dataset import load_dataset
    from xai_core.explanations import Explanations, explain
    from xai_core.ground_truth.benchmarks import BENCHMARKS
    from xai_core.images.reading import InputFormat, open_image
    from xai_core.methods import METHODS, Method
    from xai_core.metrics import METRICS, Case, Metric
    from xai_core.models.batch import Batch
    from xai_core.models.classifier import Classifier
    from xai_core.models.loading import load_classifier
    from xai_core.scoreboard import Scoreboard, evaluate

_HOMES = {
    "BENCHMARKS": "xai_core.ground_truth.benchmarks",
    "Batch": "xai_core.models.batch",
    "Case": "xai_core.metrics",
    "Classifier": "xai_core.models.classifier",
    "Explanations": "xai_core.explanations",
    "InputFormat": "xai_core.images.reading",
    "METHODS": "xai_core.methods",
    "METRICS": "xai_core.metrics",
    "Method": "xai_core.methods",
    "Metric": "xai_core.metrics",
    "Scoreboard": "xai_core.scoreboard",
    "evaluate": "xai_core.scoreboard",
    "explain": "xai_core.explanations",
    "load_classifier": "xai_core.models.loading",
    "load_dataset": "xai_core.evaluation.dataset",
    "open_image": "xai_core.images.reading",
}
"""Where each public name lives: loaded when it is asked for, so that `import xai_core` is quick."""

__all__ = [
    "BENCHMARKS",
    "DATA",
    "METHODS",
    "METRICS",
    "Batch",
    "Case",
    "Classifier",
    "Explanations",
    "InputFormat",
    "Method",
    "Metric",
    "Scoreboard",
    "evaluate",
    "explain",
    "load_classifier",
    "load_dataset",
    "open_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'xai_core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
