"""Images that stand for "nothing to see": where paths start and what hides a region."""

from __future__ import annotations

import torch
from torch import Tensor

from xai_core.images.reading import InputFormat
from xai_core.methods._smoothing import smoothed

BLUR_SIGMA = 10 / 224
"""Standard deviation of the blurred baseline, as a fraction of the image's side."""


def black(images: Tensor, form: InputFormat) -> Tensor:
    """Images (N, 3, H, W), normalised, with every pixel black."""
    return _normalised(torch.zeros_like(images), form)


def mean_colour(images: Tensor) -> Tensor:
    """Each image (N, 3, H, W) with every pixel in the image's own mean colour."""
    return images.mean(dim=(2, 3), keepdim=True).expand_as(images).contiguous()


def blurred(images: Tensor) -> Tensor:
    """Each image (N, 3, H, W) after a Gaussian of BLUR_SIGMA times its side."""
    return smoothed(images, BLUR_SIGMA * min(images.shape[-2:]))


def uniform_noise(images: Tensor, form: InputFormat, generator: torch.Generator) -> Tensor:
    """Images (N, 3, H, W) whose every value is drawn evenly from black to full."""
    values = torch.rand(images.shape, generator=generator).to(images)
    return _normalised(values, form)


def fixed_baseline(name: str, images: Tensor, form: InputFormat) -> Tensor:
    """The baseline `name` (black, mean or blurred) of each image (N, 3, H, W)."""
    if name == "black":
        return black(images, form)
    return mean_colour(images) if name == "mean" else blurred(images)


def _normalised(values: Tensor, form: InputFormat) -> Tensor:
    mean = torch.tensor(form.mean).to(values)[:, None, None]
    std = torch.tensor(form.std).to(values)[:, None, None]
    return (values - mean) / std
