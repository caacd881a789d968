"""What a name or file is recognised as, before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xai_core.models.classifier import WAYS, Classifier
from xai_core.models.model_description import Description
from xai_core.models.outputs import MEANINGS
from xai_core.models.recognised import Recognised, knows
from xai_core.models.torchvision_networks import (
    form_of,
    imagenet_categories,
    missing_weights,
)


def describe(
    text: str | Path,
    *,
    architecture: str = "",
    categories: Sequence[str] = (),
    description: Description | None = None,
) -> Recognised:
    """What `load_classifier` makes of the same arguments, as plain data to show before use.

    Nothing is downloaded: of torchvision weights that are not here, `download_mb` is their size
    and stages are left out. The model is built otherwise, so a Python file is run and seconds may
    pass. Raises BadClassifier with one sentence that says what to do. `dataclasses.asdict` of the
    result is JSON; `xai_core.models.recognised` is read without torch.
    """
    from xai_core.models.loading import found  # it imports this folder

    weights = missing_weights(str(text))
    if weights is not None and not architecture:
        return _promised(str(text), weights, description or Description())
    classifier, source, loaded = found(text, architecture, categories, "cpu", description)
    built = loaded.architecture or type(loaded.network).__name__
    return of(classifier, source, built)


def of(classifier: Classifier, source: str = "", architecture: str = "") -> Recognised:
    """The same of a classifier that is there already."""
    form, categories, outputs = classifier.form, classifier.categories, classifier.outputs
    reason = classifier.untraceable
    return Recognised(
        text=classifier.source, source=source, name=classifier.name, architecture=architecture,
        size=(form.shape[1], form.shape[2]), resize=form.resize, mean=form.mean, std=form.std,
        outputs=outputs, meaning=MEANINGS[outputs], categories=categories,
        knows=knows(categories, outputs, classifier.kind, categories == imagenet_categories()),
        way=WAYS[classifier.way] + (f" ({reason})" if reason else ""), stages=classifier.stages,
        layouts=tuple(classifier.layout_of(stage).describe() for stage in classifier.stages),
        has_cam_head=classifier.head is not None, notes=classifier.notes,
    )  # fmt: skip


def _promised(name: str, weights: Any, told: Description) -> Recognised:
    """What torchvision says of weights that are still to be downloaded."""
    form = told.form(form_of(weights))
    categories = tuple(weights.meta["categories"])
    outputs = told.outputs or "softmax"
    return Recognised(
        text=name, source="torchvision", name=name, architecture=name.partition(":")[0],
        size=(form.shape[1], form.shape[2]), resize=form.resize, mean=form.mean, std=form.std,
        outputs=outputs, meaning=MEANINGS[outputs], categories=categories,
        knows=knows(categories, outputs, is_imagenet=categories == imagenet_categories()),
        download_mb=float(weights.meta["_file_size"]),
    )  # fmt: skip
