"""Weights that fine-tuning starts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from xai_core.files import read_object
from xai_core.models.checkpoints import is_checkpoint, read_weights
from xai_core.models.sources import timm
from xai_core.models.sources.embedded import card_of
from xai_core.models.torchvision_networks import BadClassifier, load_torchvision


def classes_of(name: str) -> tuple[str, ...]:
    """The classes of an embedded model or a folder written by train; empty for other weights."""
    card = None if is_checkpoint(Path(name)) else card_of(name)
    return tuple(read_object(card).get("categories", ())) if card is not None else ()


def with_more_classes(
    weights: dict[str, Tensor], fresh: dict[str, Tensor], before: Sequence[str], now: Sequence[str]
) -> dict[str, Tensor]:
    """The weights, whose head is for the classes `before`, fitted to a model for `now`.

    Rows of classes that both know are kept, those of others are of the `fresh` model.
    """
    shared = [(now.index(name), before.index(name)) for name in before if name in now]
    fitted = dict(weights)
    for key, new in fresh.items():
        old = weights.get(key)
        if old is None or not old.ndim or old.shape == new.shape:
            continue
        if (len(old), len(new)) == (len(before), len(now)) and old.shape[1:] == new.shape[1:]:
            fitted[key] = new.clone()
            for row, source in shared:
                fitted[key][row] = old[source].to(new)
    return fitted


def starting_weights(name: str, architecture: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights to fine-tune from, and the arguments the model must be built with.

    `name` is an embedded model, a folder written by train, a checkpoint file, or the name of
    torchvision's weights of this architecture (`IMAGENET1K_V2`). Raises BadClassifier.
    """
    if is_checkpoint(Path(name)):
        return read_weights(Path(name)), {}
    card = card_of(name)
    if card is not None:
        content = read_object(card)
        if content["architecture"] != architecture:
            raise BadClassifier(
                f"{name}: is a {content['architecture']}, not a {architecture}; name it with "
                "--architecture"
            )
        return read_weights(card.with_name(content["weights"])), content.get("arguments", {})
    if timm.claims(architecture):
        if name != "pretrained":
            raise BadClassifier(
                f"--weights {name}: of {architecture} name none, pretrained (timm's own), a "
                "checkpoint or a folder written by train"
            )
        return dict(timm.built(architecture, 1000, pretrained=True).state_dict()), {}
    network = load_torchvision(f"{architecture}:{name}")[0]
    kept = {"transform_input": True} if getattr(network, "transform_input", False) else {}
    return dict(network.state_dict()), kept
