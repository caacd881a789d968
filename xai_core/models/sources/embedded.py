"""The models that ship with the project, by their names: `orchard`."""

from __future__ import annotations

from pathlib import Path

from xai_core import DATA
from xai_core.files import is_file, is_folder
from xai_core.models.model_description import Description
from xai_core.models.sources import card
from xai_core.models.sources._base import Loaded

MODELS = DATA / "models"


def embedded_names() -> tuple[str, ...]:
    """The models that ship with the project, the default first."""
    names = sorted(path.stem for path in MODELS.glob("*.json"))
    return tuple(sorted(names, key=lambda name: (name != "orchard", name)))


def claims(name: str) -> bool:
    return is_file(MODELS / f"{name}.json")


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With all that its card says."""
    return card.read(MODELS / f"{name}.json")


def card_of(name: str) -> Path | None:
    """The model card of an embedded model or of a folder written by train, where it is one."""
    if claims(name):
        return MODELS / f"{name}.json"
    return card.card_in(Path(name)) if is_folder(name) else None
