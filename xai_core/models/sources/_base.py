"""What every source gives."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple, Protocol

from torch import nn

from xai_core.images.reading import InputFormat
from xai_core.models.model_description import Description
from xai_core.models.outputs import Outputs
from xai_core.models.torchvision_networks import BadClassifier

MOST_CATEGORIES = 100_000
"""More are not built: a head of a million classes alone would need gigabytes."""


class Loaded(NamedTuple):
    """A model with what is known of it; `notes` are sentences about what was assumed.

    `source` is what it loads again by, where that is not the name that it was given by; `kind`
    what its categories are ("fruits"), where that is told.
    """

    network: nn.Module
    categories: tuple[str, ...]
    form: InputFormat
    name: str
    outputs: Outputs | None = None
    notes: tuple[str, ...] = ()
    architecture: str = ""
    source: str = ""
    kind: str = ""


class Source(Protocol):
    """A module of this folder."""

    __name__: str

    def claims(self, name: str) -> bool: ...

    def load(self, name: str, categories: tuple[str, ...], told: Description) -> Loaded: ...


def package(name: str, extra: str = "") -> Any:
    """An optional package; raises BadClassifier with what to install."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BadClassifier(
            f'{name} is not installed here: pip install "campare[{extra or name}]" and try again'
        ) from None


def numbered(categories: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The names, or numbers where there are none."""
    first = 1 if count == 1 else 0
    return categories or tuple(f"class {index + first}" for index in range(count))


def check_count(count: int, where: object) -> None:
    """Raises BadClassifier for more categories than MOST_CATEGORIES."""
    if count > MOST_CATEGORIES:
        raise BadClassifier(
            f"{where}: has {count:,} classes; at most {MOST_CATEGORIES:,} can be explained"
        )
