"""Load a classifier: embedded, from torchvision, or from a checkpoint of the user's own."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from xai_core import DATA
from xai_core.files import read_object
from xai_core.images.reading import InputFormat
from xai_core.models.classifier import Classifier
from xai_core.models.torchvision_networks import (
    BadClassifier,
    architectures,
    build_network,
    check_architecture,
    default_form,
    first_line,
    form_of,
    imagenet_categories,
    load_torchvision,
)

MODELS = DATA / "models"
CHECKPOINTS = (".safetensors", ".pth", ".pt")
LARGEST_SIDE = 1024
UNREADABLE = (
    *(SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError),
    *(TypeError, AttributeError, AssertionError, ArithmeticError, MemoryError, struct.error),
)
"""What damaged weights raise in torch's and safetensors' readers."""


def embedded_names() -> tuple[str, ...]:
    """The models that ship with the project, the default first."""
    names = sorted(path.stem for path in MODELS.glob("*.json"))
    return tuple(sorted(names, key=lambda name: (name != "orchard", name)))


def load_classifier(
    name: str | Path,
    *,
    architecture: str = "",
    categories: Sequence[str] = (),
    device: str = "cpu",
) -> Classifier:
    """A classifier by name or path.

    `"orchard"` and the other embedded models; `"resnet50"` or `"resnet50:IMAGENET1K_V1"` from
    torchvision; a folder written by `train`; or a checkpoint (.safetensors, .pth) with the
    torchvision `architecture` that it belongs to, also spelt `"resnet50@weights.pth"`. The result
    loads again by its `source`. Raises BadClassifier with what to do.
    """
    _check_device(device)
    text = str(name)
    path = Path(text)
    if not architecture and "@" in text and not path.exists():
        architecture, _, text = text.partition("@")
        path = Path(text)
    if (MODELS / f"{text}.json").is_file():
        found, source = _from_card(MODELS / f"{text}.json", device), text
    elif path.is_dir() or (path.suffix == ".json" and path.is_file()):
        card = _card_in(path) if path.is_dir() else path
        found, source = _from_card(card, device), str(path.resolve())
    elif path.suffix in CHECKPOINTS:
        found = _from_checkpoint(path, architecture, tuple(categories), device)
        source = f"{architecture}@{path.resolve()}"
    else:
        found, source = _from_torchvision(text, device), text
    return replace(found, source=source)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a .pth state dict; never runs code from the file."""
    if not path.is_file():
        raise BadClassifier(f"{path}: no such file")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadClassifier(
            f"{path}: holds Python objects besides weights, not loaded because they could "
            "run code; save model.state_dict() instead"
        ) from None
    except UNREADABLE:
        raise BadClassifier(f"{path}: damaged, incomplete or not a checkpoint") from None
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise BadClassifier(f"{path}: not a state dict (names to tensors)")
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def fill_network(
    network: nn.Module, weights: dict[str, Tensor], path: Path, architecture: str
) -> None:
    """Copy `weights` into `model`; raises BadClassifier naming what does not match."""
    wanted = network.state_dict()
    optional = {key for key in wanted if key.endswith("num_batches_tracked")}
    missing = sorted(set(wanted) - set(weights) - optional)
    unknown = sorted(
        key for key in set(weights) - set(wanted) if not key.startswith(("aux", "AuxLogits"))
    )
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}"
        count = len(missing) + len(unknown)
        raise BadClassifier(
            f"{path}: does not fit {architecture}: it {what} ({count} names differ in all); "
            "is this the right architecture?"
        )
    for key in set(wanted) & set(weights):
        if weights[key].shape != wanted[key].shape:
            raise BadClassifier(
                f"{path}: does not fit {architecture}: {key} is {tuple(weights[key].shape)}, "
                f"needs {tuple(wanted[key].shape)}; is this the right architecture?"
            )
    network.load_state_dict({k: v for k, v in weights.items() if k in wanted}, strict=False)


def card_of(name: str) -> Path | None:
    """The model card of an embedded model or of a folder written by train, where it is one."""
    embedded = MODELS / f"{name}.json"
    if embedded.is_file():
        return embedded
    return _card_in(Path(name)) if Path(name).is_dir() else None


def starting_weights(name: str, architecture: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights to fine-tune from, and the arguments the model must be built with.

    `name` is an embedded model, a folder written by train, a checkpoint file, or the name of
    torchvision's weights of this architecture (`IMAGENET1K_V2`). Raises BadClassifier.
    """
    if Path(name).suffix in CHECKPOINTS:
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
    return dict(load_torchvision(f"{architecture}:{name}")[0].state_dict()), {}


def classes_in(weights: dict[str, Tensor], architecture: str) -> int | None:
    """The number of outputs of a checkpoint's last layer; None where that layer is missing."""
    with torch.device("meta"):
        network = build_network(architecture, 2)
    head = [key for key, value in network.state_dict().items() if value.ndim >= 2][-1]
    return int(weights[head].shape[0]) if head in weights else None


def _from_checkpoint(
    path: Path, architecture: str, categories: tuple[str, ...], device: str
) -> Classifier:
    if not path.is_file():
        raise BadClassifier(f"{path}: no such file")
    if not architecture:
        raise BadClassifier(
            f"{path}: name the torchvision architecture that it belongs to, for example resnet50"
        )
    check_architecture(architecture)
    weights = read_weights(path)
    classes = classes_in(weights, architecture)
    if not categories:
        ours = [f"class {index}" for index in range(classes or 1)]
        categories = imagenet_categories() if classes == 1000 else tuple(ours)
    if classes is not None and classes != len(categories):
        raise BadClassifier(
            f"{path}: has {classes} classes, but {len(categories)} category names were given"
        )
    network = build_network(architecture, len(categories))
    fill_network(network, weights, path, architecture)
    form = default_form(architecture)
    return Classifier.of(network, categories, name=path.stem, form=form, device=device)


def _card_in(folder: Path) -> Path:
    cards = [p for p in sorted(folder.glob("*.json")) if b'"architecture"' in p.read_bytes()]
    if len(cards) != 1:
        raise BadClassifier(
            f"{folder}: needs one model card (.json) written by train, has {len(cards)}"
        )
    return cards[0]


def _from_card(path: Path, device: str) -> Classifier:
    try:
        card = read_object(path)
        architecture, categories = card["architecture"], _texts(card["categories"])
        form = _form(card["form"])
        name, file = str(card["name"]), path.with_name(card["weights"])
        network = build_network(architecture, len(categories), **card.get("arguments", {}))
    except BadClassifier as error:
        raise BadClassifier(f"{path}: {error}") from None
    except KeyError as error:
        raise BadClassifier(f"{path}: not a model card: it lacks {error}") from None
    except UNREADABLE as error:
        raise BadClassifier(f"{path}: not a model card ({first_line(error)})") from None
    _check_sha256(file, card.get("sha256"))
    fill_network(network, read_weights(file), file, architecture)
    return Classifier.of(network, categories, name=name, form=form, device=device)


def _form(told: Any) -> InputFormat:
    """The input format of a card; raises KeyError or ValueError where it is none."""
    sizes, colours = (told["size"], told["resize"]), (told["mean"], told["std"])
    if not all(type(size) is int and 0 < size <= LARGEST_SIDE for size in sizes):
        raise ValueError(f"size and resize must be whole numbers from 1 to {LARGEST_SIDE}")
    mean, std = (tuple(float(value) for value in values) for values in colours)
    if len(mean) != 3 or len(std) != 3 or not all(map(isfinite, (*mean, *std))) or min(std) <= 0:
        raise ValueError("mean and std must be three numbers each, std above 0")
    return InputFormat(*sizes, mean, std)


def _texts(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("categories must be a list of names")
    return tuple(names)


def _check_sha256(file: Path, promised: object) -> None:
    """Raises BadClassifier where the weights are not those that the card was written for."""
    if promised is None or not file.is_file():
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != promised:
        raise BadClassifier(
            f"{file}: is not the file of its card (its sha256 begins with {found[:10]}, not with "
            f"{str(promised)[:10]}); copy both anew from where they were written"
        )


def _from_torchvision(name: str, device: str) -> Classifier:
    if name.partition(":")[0] not in architectures():
        raise BadClassifier(
            f"unknown classifier {name!r}: name an embedded model "
            f"({', '.join(embedded_names()) or 'none here'}), a torchvision model (resnet50), "
            "a folder written by train, or a checkpoint (.safetensors, .pth)"
        )
    network, weights = load_torchvision(name)
    categories = tuple(weights.meta["categories"])
    return Classifier.of(network, categories, name=name, form=form_of(weights), device=device)


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadClassifier(
            f"the device {device!r} cannot be used here ({first_line(error)}); use cpu"
        ) from None
