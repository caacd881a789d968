"""An exported model (.onnx) as a black box through onnxruntime: no gradients, no look inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xai_core.files import is_file
from xai_core.models.model_description import Description
from xai_core.models.sources._base import Loaded, package
from xai_core.models.sources.python import counted
from xai_core.models.torchvision_networks import BadClassifier, first_line


class Session(nn.Module):
    """The file's first output for a batch of images, one image at a time where it wants one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        runtime = package("onnxruntime")
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.session: Any = session
        self.given = session.get_inputs()[0]
        self.is_single = self.given.shape[0] == 1

    def __deepcopy__(self, memo: object) -> Session:
        return Session(self.path)

    def forward(self, images: Tensor) -> Tensor:
        if not isinstance(images, Tensor):  # a symbol of torch.fx: onnxruntime would crash on it
            raise TypeError("an ONNX model is run by onnxruntime and has no graph in torch")
        parts = torch.split(images, 1) if self.is_single else [images]
        made = [
            self.session.run(None, {self.given.name: part.detach().contiguous().cpu().numpy()})[0]
            for part in parts
        ]
        return torch.cat([torch.from_numpy(part) for part in made]).to(images)


def claims(name: str) -> bool:
    return name.lower().endswith(".onnx")


def load(name: str, categories: tuple[str, ...], told: Description) -> Loaded:
    """With the input size that the file names; onnxruntime is needed."""
    from dataclasses import replace

    if not is_file(name):
        raise BadClassifier(f"{name}: no such file")
    package("onnxruntime")
    try:
        network = Session(Path(name).resolve())
    except Exception as error:  # onnxruntime's own kinds
        raise BadClassifier(f"{name}: onnxruntime cannot load it ({first_line(error)})") from None
    sides = network.given.shape[2:]
    if not told.size and len(sides) == 2 and all(isinstance(side, int) for side in sides):
        told = replace(told, size=tuple(sides))
    return counted(network, categories, told, Path(name).stem)
