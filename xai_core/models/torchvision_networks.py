"""Torchvision's classification models: made new, or with their weights from the hub cache."""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision import models

from xai_core.images.reading import InputFormat


class BadClassifier(ValueError):
    """A model that cannot be loaded; the message is one sentence for people."""


def build_network(architecture: str, classes: int, **arguments: Any) -> nn.Module:
    """A torchvision classification model with random weights; raises BadClassifier."""
    check_architecture(architecture)
    if architecture in ("googlenet", "inception_v3"):
        arguments = {"aux_logits": False, "init_weights": False, **arguments}
    network: nn.Module = models.get_model(
        architecture, weights=None, num_classes=classes, **arguments
    )
    return network


class real_counts(TorchFunctionMode):
    """What is read while a model is built, as RegNet's widths are, has values on any device."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func in (torch.arange, torch.linspace, torch.tensor):
            given.setdefault("device", "cpu")
        return func(*args, **given)


def unfilled_network(architecture: str, classes: int, **arguments: Any) -> nn.Module:
    """The same model with the shapes of its weights alone: it takes no memory for values."""
    with torch.device("meta"), real_counts():
        return build_network(architecture, classes, **arguments)


def architectures() -> list[str]:
    """The names of torchvision's classification models."""
    names: list[str] = models.list_models(module=models)
    return names


def imagenet_categories() -> tuple[str, ...]:
    """The 1,000 class names in torchvision's order."""
    return tuple(models.ResNet50_Weights.IMAGENET1K_V2.meta["categories"])


def check_architecture(architecture: str) -> None:
    """Raise BadClassifier for a name that torchvision does not know."""
    if architecture not in architectures():
        raise BadClassifier(
            f"unknown architecture {architecture!r}: name a torchvision classification model, "
            "for example resnet50, mobilenet_v2 or densenet121"
        )


def load_torchvision(name: str) -> tuple[nn.Module, Any]:
    """A torchvision model such as "resnet50:IMAGENET1K_V1", and torchvision's weights entry.

    Downloads through torch's hub cache; raises BadClassifier with what to do without internet.
    """
    architecture = name.partition(":")[0]
    weights = weights_entry(name)
    cache = _cached(weights)
    _check_digest(cache, name)
    try:
        network = models.get_model(architecture, weights=weights, progress=False)
    except (URLError, OSError) as error:
        raise BadClassifier(
            f"the weights of {name} could not be downloaded ({first_line(error)}): get "
            f"{weights.url} on a connected machine and put it at {cache}, or use the embedded "
            'model "orchard"'
        ) from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        if cache.is_file():
            raise BadClassifier(f"{cache}: is damaged; delete it and load {name} again") from None
        raise BadClassifier(
            f"the weights of {name} arrived damaged ({first_line(error)}): try again, or get "
            f"{weights.url} on another machine and put it at {cache}"
        ) from None
    return network, weights


def weights_entry(name: str) -> Any:
    """Torchvision's entry of the weights that a name means; raises BadClassifier."""
    architecture, _, version = name.partition(":")
    check_architecture(architecture)
    choices = models.get_model_weights(architecture)
    try:
        return choices[version] if version else choices.DEFAULT
    except KeyError:
        known = ", ".join(choice.name for choice in choices)
        raise BadClassifier(f"{architecture} has no weights {version!r}; it has: {known}") from None


def missing_weights(name: str) -> Any:
    """The entry of weights that torchvision would have to download first, else None."""
    if name.partition(":")[0] not in architectures():
        return None
    weights = weights_entry(name)
    return None if _cached(weights).is_file() else weights


def _cached(weights: Any) -> Path:
    file: str = weights.url.rpartition("/")[2]
    return Path(torch.hub.get_dir()) / "checkpoints" / file


def default_form(architecture: str) -> InputFormat:
    return form_of(models.get_model_weights(architecture).DEFAULT)


def form_of(weights: Any) -> InputFormat:
    preset = weights.transforms()
    return InputFormat(
        size=preset.crop_size[0],
        resize=preset.resize_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _check_digest(file: Path, name: str) -> None:
    """A file in the hub cache must have the sha256 that its name begins to tell.

    torch checks what it downloads, but not what is there already, for example a copy by hand.
    """
    told = re.search(r"-([0-9a-f]{8,})\.pth$", file.name)
    if told is None or not file.is_file():
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(told[1]):
        raise BadClassifier(
            f"{file}: is damaged (its sha256 begins with {found[: len(told[1])]}, not with "
            f"{told[1]}); delete it and load {name} again"
        )
