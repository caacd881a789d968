"""torchvision's models with their ImageNet weights: `resnet50`, `resnet50:IMAGENET1K_V1`."""

from __future__ import annotations

from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded
from xai_core.models.torchvision_networks import architectures, form_of, load_torchvision


def claims(name: str) -> bool:
    return name.partition(":")[0] in architectures()


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With torchvision's own preprocessing; downloads the weights once."""
    network, weights = load_torchvision(name)
    names = tuple(weights.meta["categories"])
    return Loaded(network, names, form_of(weights), name, architecture=name.partition(":")[0])
