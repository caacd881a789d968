"""A folder written by `train`, or its model card (.json) with the weights beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from xai_core.files import is_file, is_folder, read_object
from xai_core.images.reading import InputFormat
from xai_core.models.checkpoints import UNREADABLE, read_weights
from xai_core.models.model_description import Description
from xai_core.models.outputs import Outputs
from xai_core.models.sources import timm
from xai_core.models.sources._base import Loaded, check_count
from xai_core.models.sources.checkpoint import fill_network
from xai_core.models.torchvision_networks import (
    BadClassifier,
    build_network,
    first_line,
    real_counts,
)

LARGEST_SIDE = 1024
ELSEWHERE = ("checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay")
"""Arguments of timm's that would read other files than the card's."""
CODE = ".py:"
"""In the name of an architecture that a function in a Python file makes."""


def claims(name: str) -> bool:
    path = Path(name)
    return is_folder(path) or (path.suffix == ".json" and is_file(path))


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With all that the card says."""
    path = Path(name)
    found = read(card_in(path) if path.is_dir() else path)
    return found._replace(source=str(path.resolve()))


def card_in(folder: Path) -> Path:
    """The only card of a folder; raises BadClassifier where there is none or more."""
    cards = [p for p in sorted(folder.glob("*.json")) if b'"architecture"' in p.read_bytes()]
    if len(cards) != 1:
        raise BadClassifier(
            f"{folder}: needs one model card (.json) written by train, has {len(cards)}"
        )
    return cards[0]


class Card(NamedTuple):
    """What a model card says; `file` holds the weights, `sha256` is what they must have."""

    architecture: str
    arguments: dict[str, Any]
    categories: tuple[str, ...]
    form: InputFormat
    outputs: Outputs | None
    kind: str
    name: str
    file: Path
    sha256: object


def read(path: Path) -> Loaded:
    """The model of a card; raises BadClassifier where card and weights are not what they say."""
    with _told(path):
        card = _parsed(path)
        _check_size(card)
        network = _built(card.architecture, len(card.categories), card.arguments)
    return filled(card, network)


def parsed(path: Path) -> Card:
    """A card without its model; raises BadClassifier where it is none."""
    with _told(path):
        return _parsed(path)


def filled(card: Card, network: nn.Module) -> Loaded:
    """The card's model, whose weights are read into `network`; raises BadClassifier."""
    _check_sha256(card.file, card.sha256)
    fill_network(network, read_weights(card.file), card.file, card.architecture)
    return Loaded(
        network, card.categories, card.form, card.name, card.outputs,
        architecture=card.architecture, kind=card.kind,
    )  # fmt: skip


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what a card that is none raises into one sentence."""
    try:
        yield
    except BadClassifier as error:
        raise BadClassifier(f"{path}: {error}") from None
    except KeyError as error:
        raise BadClassifier(f"{path}: not a model card: it lacks {error}") from None
    except UNREADABLE as error:
        raise BadClassifier(f"{path}: not a model card ({first_line(error)})") from None


def _parsed(path: Path) -> Card:
    told = read_object(path)
    categories = _texts(told["categories"])
    check_count(len(categories), "categories")
    return Card(
        told["architecture"], told.get("arguments", {}), categories, _form(told["form"]),
        told.get("outputs"), str(told.get("kind", "")), str(told["name"]),
        path.with_name(told["weights"]), told.get("sha256"),
    )  # fmt: skip


def _built(architecture: str, classes: int, arguments: dict[str, Any]) -> nn.Module:
    if CODE in str(architecture):
        raise BadClassifier(
            f"its model is made by {architecture}, and a card runs no code; if you trust that "
            f"file, name the model FILE{CODE}FUNCTION@FOLDER"
        )
    if timm.claims(str(architecture)):
        if not re.fullmatch(r"timm:[\w.]+", architecture) or {*arguments} & {*ELSEWHERE}:
            raise BadClassifier("a card's timm model is named by timm's own name, without files")
        return timm.built(architecture, classes, **arguments)
    return build_network(architecture, classes, **arguments)


def _check_size(card: Card) -> None:
    """Raises BadClassifier where a card tells of more parameters than its file can hold."""
    file, classes = card.file, len(card.categories)
    if not file.is_file():
        return  # its reader says so
    with torch.device("meta"), real_counts():  # takes no memory
        network = _built(card.architecture, classes, card.arguments)
    count, held = sum(p.numel() for p in network.parameters()), file.stat().st_size
    if count > held:
        raise BadClassifier(
            f"tells of {count:,} parameters, but {file.name} has {held:,} bytes; is this its card?"
        )


def _form(told: Any) -> InputFormat:
    """The input format of a card; raises KeyError or ValueError where it is none."""
    sizes, colours = (told["size"], told["resize"]), (told["mean"], told["std"])
    if not all(type(size) is int and 0 < size <= LARGEST_SIDE for size in sizes):
        raise ValueError(f"size and resize must be whole numbers from 1 to {LARGEST_SIDE}")
    mean, std = (tuple(float(value) for value in values) for values in colours)
    if len(mean) != len(std) or not all(map(isfinite, (*mean, *std))) or min(std, default=0) <= 0:
        raise ValueError("mean and std must be one number for each channel, std above 0")
    width = told.get("width")
    if width is not None and not (type(width) is int and 0 < width <= LARGEST_SIDE):
        raise ValueError(f"width must be a whole number from 1 to {LARGEST_SIDE}")
    return InputFormat(*sizes, mean, std, width=width)


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
