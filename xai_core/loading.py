"""Load a classifier: embedded, from torchvision, or from a checkpoint of the user's own."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from xai_core import DATA
from xai_core.classifier import Classifier
from xai_core.images import InputFormat

MODELS = DATA / "models"
CHECKPOINTS = (".safetensors", ".pth", ".pt")
UNREADABLE = (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError)


class BadClassifier(ValueError):
    """A network that cannot be loaded; the message is one sentence for people."""


def embedded_names() -> tuple[str, ...]:
    """The networks that ship with the project, the default first."""
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

    `"orchard"` and the other embedded networks; `"resnet50"` or `"resnet50:IMAGENET1K_V1"` from
    torchvision; a folder written by `train`; or a checkpoint (.safetensors, .pth) with the
    torchvision `architecture` that it belongs to. Raises BadClassifier with what to do.
    """
    _check_device(device)
    text = str(name)
    if (MODELS / f"{text}.json").is_file():
        return _from_card(MODELS / f"{text}.json", device)
    path = Path(text)
    if path.is_dir():
        return _from_card(_card_in(path), device)
    if path.suffix == ".json" and path.is_file():
        return _from_card(path, device)
    if path.suffix in CHECKPOINTS:
        return _from_checkpoint(path, architecture, tuple(categories), device)
    return _from_torchvision(text, device)


def build_network(architecture: str, classes: int, **arguments: Any) -> nn.Module:
    """A torchvision classification network with random weights; raises BadClassifier."""
    if architecture not in architectures():
        raise BadClassifier(
            f"unknown architecture {architecture!r}: name a torchvision classification network, "
            "for example resnet50, mobilenet_v2 or densenet121"
        )
    if architecture in ("googlenet", "inception_v3"):
        arguments = {"aux_logits": False, "init_weights": False, **arguments}
    network: nn.Module = models.get_model(
        architecture, weights=None, num_classes=classes, **arguments
    )
    return network


def architectures() -> list[str]:
    """The names of torchvision's classification networks."""
    names: list[str] = models.list_models(module=models)
    return names


def imagenet_categories() -> tuple[str, ...]:
    """The 1,000 class names in torchvision's order."""
    return tuple(models.ResNet50_Weights.IMAGENET1K_V2.meta["categories"])


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
            "run code; save network.state_dict() instead"
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
    """Copy `weights` into `network`; raises BadClassifier naming what does not match."""
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
    """The model card of an embedded network or of a folder written by train, where it is one."""
    embedded = MODELS / f"{name}.json"
    if embedded.is_file():
        return embedded
    return _card_in(Path(name)) if Path(name).is_dir() else None


def starting_weights(name: str, architecture: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights to fine-tune from, and the arguments the network must be built with.

    `name` is an embedded network, a folder written by train, a checkpoint file, or the name of
    torchvision's weights of this architecture (`IMAGENET1K_V2`). Raises BadClassifier.
    """
    if Path(name).suffix in CHECKPOINTS:
        return read_weights(Path(name)), {}
    card = card_of(name)
    if card is not None:
        content = json.loads(card.read_text(encoding="utf-8"))
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
    if architecture not in architectures():
        build_network(architecture, 1)
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
    form = _default_form(architecture)
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
        card = json.loads(path.read_text(encoding="utf-8"))
        architecture, categories = card["architecture"], tuple(card["categories"])
        form = InputFormat(
            size=card["form"]["size"],
            resize=card["form"]["resize"],
            mean=tuple(card["form"]["mean"]),
            std=tuple(card["form"]["std"]),
        )
        name, file = str(card["name"]), path.with_name(card["weights"])
        network = build_network(architecture, len(categories), **card.get("arguments", {}))
    except BadClassifier as error:
        raise BadClassifier(f"{path}: {error}") from None
    except KeyError as error:
        raise BadClassifier(f"{path}: not a model card: it lacks {error}") from None
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise BadClassifier(f"{path}: not a model card ({_first_line(error)})") from None
    fill_network(network, read_weights(file), file, architecture)
    return Classifier.of(network, categories, name=name, form=form, device=device)


def _from_torchvision(name: str, device: str) -> Classifier:
    network, weights = load_torchvision(name)
    categories = tuple(weights.meta["categories"])
    return Classifier.of(network, categories, name=name, form=_form_of(weights), device=device)


def load_torchvision(name: str) -> tuple[nn.Module, Any]:
    """A torchvision network such as "resnet50:IMAGENET1K_V1", and torchvision's weights entry.

    Downloads through torch's hub cache; raises BadClassifier with what to do without internet.
    """
    architecture, _, version = name.partition(":")
    if architecture not in architectures():
        raise BadClassifier(
            f"unknown classifier {name!r}: name an embedded network "
            f"({', '.join(embedded_names()) or 'none here'}), a torchvision network (resnet50), "
            "a folder written by train, or a checkpoint (.safetensors, .pth)"
        )
    choices = models.get_model_weights(architecture)
    try:
        weights = choices[version] if version else choices.DEFAULT
    except KeyError:
        known = ", ".join(choice.name for choice in choices)
        raise BadClassifier(f"{architecture} has no weights {version!r}; it has: {known}") from None
    cache = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    try:
        network = models.get_model(architecture, weights=weights, progress=False)
    except (URLError, OSError) as error:
        raise BadClassifier(
            f"the weights of {name} could not be downloaded ({_first_line(error)}): get "
            f"{weights.url} on a connected machine and put it at {cache}, or use the embedded "
            'network "orchard"'
        ) from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        if cache.is_file():
            raise BadClassifier(f"{cache}: is damaged; delete it and load {name} again") from None
        raise BadClassifier(
            f"the weights of {name} arrived damaged ({_first_line(error)}): try again, or get "
            f"{weights.url} on another machine and put it at {cache}"
        ) from None
    return network, weights


def _check_device(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BadClassifier(
            f"the device {device!r} cannot be used here ({_first_line(error)}); use cpu"
        ) from None


def _default_form(architecture: str) -> InputFormat:
    return _form_of(models.get_model_weights(architecture).DEFAULT)


def _form_of(weights: Any) -> InputFormat:
    preset = weights.transforms()
    return InputFormat(
        size=preset.crop_size[0],
        resize=preset.resize_size[0],
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
