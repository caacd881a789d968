"""Load a classifier by its name: what a source gives, made ready to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from xai_core.models.checkpoints import is_checkpoint
from xai_core.models.classifier import Classifier
from xai_core.models.model_description import Description
from xai_core.models.sources import Loaded, python, source_of
from xai_core.models.torchvision_networks import BadClassifier, first_line


def load_classifier(
    name: str | Path,
    *,
    architecture: str = "",
    categories: Sequence[str] = (),
    device: str = "cpu",
    description: Description | None = None,
) -> Classifier:
    """A classifier by name or path, from one of `xai_core.models.sources`.

    `"orchard"` and the other embedded models; `"resnet50"` or `"resnet50:IMAGENET1K_V1"` from
    torchvision; a folder written by `train`; a checkpoint with the `architecture` that it belongs
    to, also spelt `"resnet50@weights.pth"`; `"timm:resnet18"`, `"hf:FOLDER"`,
    `"file.py:function"`, a TorchScript or ONNX file. `description` is what is known beside. The
    result loads again by its `source`. Raises BadClassifier with what to do.
    """
    return found(name, architecture, categories, device, description)[0]


def found(
    name: str | Path,
    architecture: str,
    categories: Sequence[str],
    device: str,
    description: Description | None,
) -> tuple[Classifier, str, Loaded]:
    """The classifier, the name of its source, and what that source gave."""
    _check_device(device)
    told, text = description or Description(), str(name)
    if architecture and (is_checkpoint(Path(text)) or python.claims(architecture)):
        text = f"{architecture}@{text}"
    source = source_of(text)
    loaded = source.load(text, tuple(categories), told)
    return _classifier(loaded, told, device, text), source.__name__.rpartition(".")[2], loaded


def _classifier(loaded: Loaded, told: Description, device: str, text: str) -> Classifier:
    form = told.form(loaded.form)
    try:
        made = Classifier.of(
            loaded.network, loaded.categories, name=loaded.name, form=form, device=device,
            outputs=told.outputs or loaded.outputs, allow_random=told.allow_random,
        )  # fmt: skip
    except (ValueError, RuntimeError, TypeError) as error:
        raise BadClassifier(f"{loaded.name}: {first_line(error)}") from None
    notes = (*loaded.notes, *made.notes)
    return replace(made, source=loaded.source or text, notes=notes, kind=loaded.kind)


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadClassifier(
            f"the device {device!r} cannot be used here ({first_line(error)}); use cpu"
        ) from None


__all__ = ["BadClassifier", "load_classifier"]
