"""timm's models: `timm:resnet50d`, or with weights of one's own `timm:resnet50d@weights.pth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from xai_core.images.reading import InputFormat
from xai_core.models.checkpoints import read_weights
from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded, numbered, package
from xai_core.models.torchvision_networks import BadClassifier, first_line, imagenet_categories


def claims(name: str) -> bool:
    return name.startswith("timm:")


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With timm's own mean, std, size and crop of the model."""
    timm = package("timm")
    architecture, _, file = name.removeprefix("timm:").partition("@")
    weights = read_weights(Path(file)) if file else None
    arguments: dict[str, Any] = dict(told.arguments)
    if categories and not file:
        arguments.setdefault("num_classes", len(categories))
    try:
        network = timm.create_model(architecture, pretrained=not file, **arguments)
        if weights is not None:
            head = network.get_classifier()
            rows = [v for k, v in weights.items() if k.endswith("weight")][-1]
            if rows.shape[0] != head.weight.shape[0]:
                network.reset_classifier(rows.shape[0])
            network.load_state_dict(weights)
    except Exception as error:  # whatever timm, its hub and its models raise
        raise BadClassifier(f"{name}: timm cannot build it ({first_line(error)})") from None
    count = int(network.num_classes)
    if count == 1000 and not categories:
        categories = imagenet_categories()
    names = numbered(categories, count)
    return Loaded(network, names, form_of(network), name, architecture=architecture)


def built(name: str, classes: int, pretrained: bool = False, **arguments: Any) -> nn.Module:
    """`timm:NAME` for some classes; raises BadClassifier."""
    timm = package("timm")
    try:
        network: nn.Module = timm.create_model(
            name.removeprefix("timm:"), pretrained=pretrained, num_classes=classes, **arguments
        )
    except Exception as error:  # whatever timm, its hub and its models raise
        raise BadClassifier(f"{name}: timm cannot build it ({first_line(error)})") from None
    return network


def form_of(network: nn.Module) -> InputFormat:
    """The preprocessing that timm tells of a model of its own."""
    return _form(package("timm").data.resolve_model_data_config(network))


def _form(config: dict[str, Any]) -> InputFormat:
    _, height, width = config["input_size"]
    return InputFormat(
        size=height, resize=round(min(height, width) / config["crop_pct"]),
        mean=tuple(config["mean"]), std=tuple(config["std"]),
        width=width if width != height else None,
    )  # fmt: skip
