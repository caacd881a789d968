"""Weights of a torchvision architecture in a file of one's own: `resnet50@weights.pth`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from xai_core.files import is_file, is_there
from xai_core.models.checkpoints import is_checkpoint, read_weights
from xai_core.models.model_description import Description, form_for
from xai_core.models.rebuilding import rebuilt
from xai_core.models.sources._base import Loaded, check_count, numbered
from xai_core.models.torchvision_networks import (
    BadClassifier,
    check_architecture,
    default_form,
    first_line,
    imagenet_categories,
    unfilled_network,
)


def claims(name: str) -> bool:
    return is_checkpoint(split(name)[1])


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With torchvision's preprocessing; head, stem and size are rebuilt from the shapes."""
    architecture, path = split(name)
    if not is_file(path):
        raise BadClassifier(f"{path}: no such file")
    if not architecture:
        raise BadClassifier(
            f"{path}: name the torchvision architecture that it belongs to, for example resnet50"
        )
    check_architecture(architecture)
    weights = read_weights(path)
    check_count(max((len(v) for v in weights.values() if v.ndim), default=0), path)
    classes = classes_in(weights, architecture)
    if classes is not None and categories and classes not in (1, len(categories)):
        raise BadClassifier(
            f"{path}: has {classes} classes, but {len(categories)} category names were given"
        )
    try:
        made = rebuilt(architecture, weights, told.arguments)
    except BadClassifier as error:
        raise BadClassifier(f"{path}: does not fit {architecture}: {error}") from None
    except (TypeError, ValueError) as error:
        raise BadClassifier(f"{architecture}: {first_line(error)}") from None
    fill_network(made.network, weights, path, architecture)
    form = form_for(made.channels, default_form(architecture))
    if made.size:
        form = replace(form, size=made.size, resize=made.size)
    names = categories or names_for(made.outputs)
    return Loaded(
        made.network, names, form, path.stem, notes=made.notes, architecture=architecture,
        source=f"{architecture}@{path.resolve()}",
    )  # fmt: skip


def split(name: str) -> tuple[str, Path]:
    """The architecture ("" where none is named) and the file; paths may hold an @ themselves."""
    architecture, at, file = name.partition("@")
    if at and re.fullmatch(r"\w+", architecture) and not is_there(name):
        return architecture, Path(file)
    return "", Path(name)


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


def classes_in(weights: dict[str, Tensor], architecture: str) -> int | None:
    """The number of outputs of a checkpoint's last layer; None where that layer is missing."""
    network = unfilled_network(architecture, 2)
    head = [key for key, value in network.state_dict().items() if value.ndim >= 2][-1]
    return int(weights[head].shape[0]) if head in weights else None


def names_for(count: int) -> tuple[str, ...]:
    """Names where none are given: ImageNet's for 1,000 classes, else numbers."""
    return imagenet_categories() if count == 1000 else numbered((), count)
