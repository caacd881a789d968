"""Accuracy of a classifier on a labelled data set: overall, per class and per difficulty level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from xai_core.evaluation.dataset import Dataset
from xai_core.images.reading import Framing
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

IMAGES_AT_ONCE = 16


def measure_accuracy(
    classifier: Classifier,
    dataset: Dataset,
    framing: Framing = "whole",
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Counts `{n, right}` and `accuracy` overall, `by_class` and `by_level`.

    Images without a known label are left out; raises ValueError where none has one.
    """
    items = [item for item in dataset.items if item.label is not None]
    if not items:
        raise ValueError(f"{dataset.name}: no image has a label that the classifier knows")
    predicted: list[int] = []
    for start in range(0, len(items), IMAGES_AT_ONCE):
        photos = [item.open() for item in items[start : start + IMAGES_AT_ONCE]]
        with torch.inference_mode():
            logits = classifier.logits(Batch.of(classifier, photos, framing).images)
        predicted += logits.argmax(dim=1).tolist()
        if progress:
            progress(min(1.0, (start + IMAGES_AT_ONCE) / len(items)))
    pairs = [
        (int(item.label or 0), item.level, p) for item, p in zip(items, predicted, strict=True)
    ]
    names = classifier.categories
    classes = sorted({label for label, _, _ in pairs})
    levels = sorted({level for _, level, _ in pairs if level is not None})
    return {
        "dataset": dataset.name,
        "framing": framing,
        **_counts([(label, p) for label, _, p in pairs]),
        "by_class": {
            names[c]: _counts([(label, p) for label, _, p in pairs if label == c]) for c in classes
        },
        "by_level": {
            str(v): _counts([(label, p) for label, level, p in pairs if level == v]) for v in levels
        },
    }


def _counts(pairs: list[tuple[int, int]]) -> dict[str, Any]:
    right = sum(label == predicted for label, predicted in pairs)
    return {"n": len(pairs), "right": right, "accuracy": round(right / max(1, len(pairs)), 4)}
