"""A function of one's own that makes a model: `file.py:function`. It runs that file.

With weights of a checkpoint, or of a folder written by train: `file.py:function@weights.pth`.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xai_core.files import is_file
from xai_core.images.reading import InputFormat
from xai_core.models.checkpoints import read_weights
from xai_core.models.model_description import Description
from xai_core.models.sources import card
from xai_core.models.sources._base import Loaded, numbered
from xai_core.models.sources.checkpoint import fill_network
from xai_core.models.torchvision_networks import BadClassifier, first_line

SPELLED = re.compile(r"(.+\.py:\w+)(?:@(.+))?", re.DOTALL)


def claims(name: str) -> bool:
    return SPELLED.fullmatch(name) is not None


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """What the function returns; without category names its outputs are counted."""
    spelled, weights = split(name)
    path = Path(weights)
    if weights and card.claims(weights):
        found = card.parsed(card.card_in(path) if path.is_dir() else path)
        network = made(spelled, function_of(spelled), {**found.arguments, **told.arguments})
        return card.filled(found, network)._replace(architecture=spelled)
    network = made(spelled, function_of(spelled), told.arguments)
    if weights:
        fill_network(network, read_weights(path), path, spelled)
    return counted(network, categories, told, spelled)


def split(name: str) -> tuple[str, str]:
    """`file.py:function` and the weights behind an @, "" where there are none."""
    found = SPELLED.fullmatch(name)
    if found is None:
        raise BadClassifier(f"{name}: spell it file.py:function")
    return found[1], found[2] or ""


def function_of(name: str) -> Callable[..., Any]:
    """The function, from its file, which is run; raises BadClassifier."""
    file, _, function = name.rpartition(":")
    if not is_file(file):
        raise BadClassifier(f"{file}: no such file")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise BadClassifier(f"{file}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found: Callable[..., Any] = getattr(module, function)
    except Exception as error:  # whatever a file of somebody's own does
        raise BadClassifier(f"{name}: {type(error).__name__}: {first_line(error)}") from None
    return found


def made(name: str, function: Callable[..., Any], arguments: Mapping[str, Any]) -> nn.Module:
    """What the function returns for these arguments; raises BadClassifier for no module."""
    try:
        network = function(**arguments)
    except Exception as error:  # whatever a function of somebody's own does
        raise BadClassifier(f"{name}: {type(error).__name__}: {first_line(error)}") from None
    if not isinstance(network, nn.Module):
        raise BadClassifier(f"{name}: returned a {type(network).__name__}, not a torch module")
    return network


def counted(
    network: nn.Module, categories: tuple[str, ...], told: Description, name: str
) -> Loaded:
    """The model, with as many numbered categories as it has outputs where none are named."""
    from xai_core.models.adapting import adapted
    from xai_core.models.own_copy import own_copy, unpacked

    form = told.form(InputFormat())
    if not categories:
        try:
            own = own_copy(unpacked(network))
            found = adapted(own, torch.zeros(1, *form.shape), told.outputs)
            with torch.no_grad():
                count = 1 if found.single else found.network(torch.zeros(1, *form.shape)).shape[1]
        except (RuntimeError, ValueError, TypeError) as error:
            size = " x ".join(map(str, form.shape))
            raise BadClassifier(
                f"{name}: cannot take images of {size} ({first_line(error)}); say --size, or as "
                "many --mean and --std as it has channels"
            ) from None
        categories = numbered((), int(count))
    return Loaded(network, categories, form, name)
