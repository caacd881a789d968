"""Accuracy of a classifier on a labelled data set: overall, per class and per difficulty level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xai_core.evaluation.dataset import Dataset
from xai_core.images.reading import Framing
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.orchard.pool import Pool
from xai_core.orchard.sampling import LEVELS
from xai_core.orchard.scene import CLASSES, SCENE_KINDS

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


def validation_accuracy(right: Tensor, pool: Pool) -> dict[str, Any]:
    """Counts over drawn scenes, from whether each prediction (N,) is a class that it may show:
    overall, by kind and level, and by class where an image may show one class only."""
    hits = right.cpu().numpy().astype(bool)
    alone = pool.shown.sum(axis=1) == 1
    groups = {
        "by_kind": {kind: pool.kinds == kind for kind in SCENE_KINDS},
        "by_class": {name: alone & pool.shown[:, k] for k, name in enumerate(CLASSES)},
        "by_level": {str(level): pool.levels == level for level in LEVELS},
    }
    return {
        **_of(hits),
        **{
            title: {name: _of(hits[mask]) for name, mask in masks.items() if mask.any()}
            for title, masks in groups.items()
        },
    }


def _of(hits: NDArray[np.bool_]) -> dict[str, Any]:
    right = int(hits.sum())
    return {"n": len(hits), "right": right, "accuracy": round(right / max(1, len(hits)), 4)}


def _counts(pairs: list[tuple[int, int]]) -> dict[str, Any]:
    return _of(np.array([label == predicted for label, predicted in pairs], dtype=bool))
