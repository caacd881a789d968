"""What every source gives."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple, Protocol

from torch import nn

from xai_core.images.reading import InputFormat
from xai_core.models.model_description import Description
from xai_core.models.outputs import Outputs
from xai_core.models.torchvision_networks import BadClassifier


class Loaded(NamedTuple):
    """A model with what is known of it; `notes` are sentences about what was assumed."""

    network: nn.Module
    categories: tuple[str, ...]
    form: InputFormat
    name: str
    outputs: Outputs | None = None
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A module of this folder."""

    def claims(self, name: str) -> bool: ...

    def load(self, name: str, categories: tuple[str, ...], told: Description) -> Loaded: ...


def package(name: str) -> Any:
    """An optional package; raises BadClassifier with what to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BadClassifier(
            f'{name} is not installed here: pip install "campare[{name}]" and try again'
        ) from None


def numbered(categories: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The names, or numbers where there are none."""
    first = 1 if count == 1 else 0
    return categories or tuple(f"class {index + first}" for index in range(count))
