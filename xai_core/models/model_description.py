"""What people say about a model beside its weights: input, preprocessing, outputs, arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xai_core.images.reading import InputFormat
from xai_core.models.outputs import Outputs
from xai_core.models.torchvision_networks import BadClassifier

GREY = ((0.449,), (0.226,))
"""ImageNet's mean and deviation over its three colours."""


@dataclass(frozen=True)
class Description:
    """What is given; empty is what the source knows or what is usual.

    `size` is the side or (height, width); `resize` the shorter side before a central crop of
    `crop` pixels, scaled to the size. `arguments` build the model.
    """

    size: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: int = 0
    crop: int = 0
    outputs: Outputs | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    allow_random: bool = False

    def form(self, usual: InputFormat) -> InputFormat:
        """The usual preprocessing with what is given; raises BadClassifier for what cannot be."""
        if len(self.mean) != len(self.std) and self.mean and self.std:
            raise BadClassifier("--mean and --std must be of the same number of channels")
        if any(value <= 0 for value in (*self.std, *self.size)) or min(self.resize, self.crop) < 0:
            raise BadClassifier("--size, --std, --resize and --crop must be above 0")
        if len(self.size) > 2:
            raise BadClassifier("--size is one side, or height and width")
        size = self.size or ((self.crop,) if self.crop else ())
        form = usual
        if size:
            width = size[1] if len(size) == 2 and size[1] != size[0] else None
            resize = round(usual.resize * min(size) / usual.size)
            form = replace(form, size=size[0], width=width, resize=resize)
        if self.resize:
            resize = round(self.resize * min(size) / self.crop) if self.crop else self.resize
            form = replace(form, resize=resize)
        return replace(form, mean=self.mean or form.mean, std=self.std or form.std)


def form_for(channels: int, usual: InputFormat) -> InputFormat:
    """The usual preprocessing for another number of channels."""
    if channels == len(usual.mean):
        return usual
    return replace(usual, mean=GREY[0] * channels, std=GREY[1] * channels)
