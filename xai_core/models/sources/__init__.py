"""Where models come from, one file each: `claims(name)` and `load(name, categories, told)`."""

from __future__ import annotations

from xai_core.models.sources import (
    card,
    checkpoint,
    embedded,
    imagenet,
    onnx,
    python,
    timm,
    torchscript,
    torchvision,
    transformers,
)
from xai_core.models.sources._base import Loaded, Source
from xai_core.models.sources.describing import describe
from xai_core.models.torchvision_networks import BadClassifier

SOURCES: tuple[Source, ...] = (
    embedded, imagenet, timm, transformers, python, card, torchscript, onnx, checkpoint,
    torchvision,
)  # fmt: skip
"""In the order of asking: the first that claims a name loads it."""


def source_of(name: str) -> Source:
    """The source that a name belongs to; raises BadClassifier with what can be named."""
    for source in SOURCES:
        if source.claims(name):
            return source
    raise BadClassifier(
        f"unknown model {name!r}: name an embedded model "
        f"({', '.join(embedded.embedded_names()) or 'none here'}), a torchvision model (resnet50), "
        "a folder written by train, or a checkpoint (.safetensors, .pth)"
    )


__all__ = ["SOURCES", "Loaded", "Source", "describe", "source_of"]
