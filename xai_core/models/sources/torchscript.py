"""A scripted or traced model in a TorchScript file (.pt, .pth): gradients, but no look inside."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from xai_core.models.checkpoints import is_script
from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded
from xai_core.models.sources.python import counted
from xai_core.models.torchvision_networks import BadClassifier, first_line


def claims(name: str) -> bool:
    return Path(name).suffix.lower() in (".pt", ".pth", ".ts") and is_script(Path(name))


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """The model as it is; its categories are numbered where no names are given."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated
            network = torch.jit.load(name, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise BadClassifier(
            f"{name}: TorchScript that does not load ({first_line(error)})"
        ) from None
    return counted(network, categories, told, Path(name).stem)
