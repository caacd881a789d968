"""Where models come from beside torchvision, one file each: `claims(name)` and `load(...)`."""

from __future__ import annotations

from types import ModuleType

from xai_core.models.sources import onnx, python, timm, torchscript, transformers
from xai_core.models.sources._base import Loaded, Source

SOURCES: tuple[ModuleType, ...] = (timm, transformers, python, torchscript, onnx)


def source_of(name: str) -> Source | None:
    """The source that a name belongs to; None for torchvision, cards and checkpoints."""
    claimed = [source for source in SOURCES if source.claims(name)]
    return claimed[0] if claimed else None


__all__ = ["SOURCES", "Loaded", "Source", "source_of"]
