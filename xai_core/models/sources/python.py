"""A function of one's own that makes a model: `file.py:function`. It runs that file."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch
from torch import nn

from xai_core.images.reading import InputFormat
from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded, numbered
from xai_core.models.torchvision_networks import BadClassifier, first_line


def claims(name: str) -> bool:
    return re.search(r"\.py:\w+$", name) is not None


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """What the function returns; without category names its outputs are counted."""
    file, _, function = name.rpartition(":")
    if not Path(file).is_file():
        raise BadClassifier(f"{file}: no such file")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        raise BadClassifier(f"{file}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        network = getattr(module, function)(**told.arguments)
    except Exception as error:  # whatever a file of somebody's own does
        raise BadClassifier(f"{name}: {type(error).__name__}: {first_line(error)}") from None
    if not isinstance(network, nn.Module):
        raise BadClassifier(f"{name}: returned a {type(network).__name__}, not a torch module")
    return counted(network, categories, told, name)


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
