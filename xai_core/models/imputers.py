"""Imputers: what stands in for a removed pixel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import Recipe, setting


@dataclass(frozen=True)
class Imputer(Recipe):
    """Replaces removed pixels of normalised images."""

    caveat: ClassVar[str]

    def baseline(self, images: Tensor, classifier: Classifier) -> Tensor:
        """Images (N, 3, H, W) -> the same images with every pixel removed."""
        raise NotImplementedError

    def replaced(self, batch: Batch, index: Tensor, removed: Tensor) -> Tensor:
        """Images `index` (B,) of the batch without the pixels `removed` (B, H*W): (B, 3, H, W)."""
        pixels, fill = _pixels(batch.images), _pixels(batch.imputed(self))
        mixed = torch.where(removed[:, :, None], fill[index], pixels[index])
        return _images(mixed, *batch.images.shape[-2:])


def _pixels(images: Tensor) -> Tensor:
    """(N, 3, H, W) in channels_last -> (N, H*W, 3), without a copy."""
    return images.permute(0, 2, 3, 1).flatten(1, 2)


def _images(pixels: Tensor, height: int, width: int) -> Tensor:
    """(B, H*W, C) -> (B, C, H, W) in channels_last, without a copy."""
    return pixels.view(len(pixels), height, width, pixels.shape[2]).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Zero(Imputer):
    """0 after normalisation: the mean colour of the data that the model was trained on."""

    name = "zero"
    title = "Mean colour of the training data"
    reference = "Petsiuk et al., BMVC 2018, arXiv 1806.07421"
    caveat = "Leaves sharp edges that the model may never have seen."

    def baseline(self, images: Tensor, classifier: Classifier) -> Tensor:
        return torch.zeros_like(images)


@dataclass(frozen=True)
class Mean(Imputer):
    """The mean colour of the image itself."""

    name = "mean"
    title = "Mean colour of the image"
    reference = "Rieger and Hansen, 2020, arXiv 2003.08747"
    caveat = "Fits plain backgrounds, where the removed part melts into them."

    def baseline(self, images: Tensor, classifier: Classifier) -> Tensor:
        return (
            images.mean(dim=(2, 3), keepdim=True)
            .expand_as(images)
            .contiguous(memory_format=torch.channels_last)
        )


@dataclass(frozen=True)
class Blur(Imputer):
    """The image convolved with a Gaussian of `size_px` x `size_px` (edges: the border repeated).

    The defaults are the ones that RISE's insertion uses at 224 px.
    """

    name = "blur"
    title = "Blurred image"
    reference = "Petsiuk et al., BMVC 2018, arXiv 1806.07421"
    caveat = "A mild blur keeps colours and coarse shapes, so evidence remains."

    sigma_px: float = setting(5.0, "standard deviation of the Gaussian, pixels", low=0.1, high=100)
    size_px: int = setting(11, "side of the Gaussian's window, pixels (odd)", low=1, high=401)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size_px % 2 == 0:
            raise ValueError(f"Blur.size_px must be odd, got {self.size_px}")

    def baseline(self, images: Tensor, classifier: Classifier) -> Tensor:
        half = self.size_px // 2
        offsets = torch.arange(-half, half + 1, dtype=images.dtype, device=images.device)
        kernel = torch.exp(-(offsets**2) / (2 * self.sigma_px**2))
        kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
        padded = functional.pad(images, (half, half, half, half), mode="replicate")
        rows = functional.conv2d(padded, kernel, groups=images.shape[1])
        blurred = functional.conv2d(rows, kernel.transpose(2, 3), groups=images.shape[1])
        return blurred.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class NoisyLinear(Imputer):
    """Each removed pixel the weighted mean of its 8 neighbours, plus Gaussian noise.

    Weights are 1/6 for direct and 1/12 for diagonal neighbours; all removed pixels are solved for
    together. The noise of an image is the same whatever is removed.
    """

    name = "noisy_linear"
    title = "Noisy linear interpolation"
    reference = "Rong et al., ICML 2022, arXiv 2202.00449"
    caveat = "Hides the removal's shape from the model, at a cost per image."

    noise: float = setting(0.01, "standard deviation of the noise, normalised", low=0, high=1)
    seed: int = setting(0, "seed of the noise", low=0, high=2**31)

    def baseline(self, images: Tensor, classifier: Classifier) -> Tensor:
        return torch.zeros_like(images)

    def replaced(self, batch: Batch, index: Tensor, removed: Tensor) -> Tensor:
        from xai_core.images.inpainting import inpainted  # Numba takes its time

        height, width = batch.images.shape[-2:]
        holes = removed.view(-1, height, width).cpu().numpy()
        images = batch.images.permute(0, 2, 3, 1).cpu().numpy()
        noise = batch.once(("noise", self), lambda: self._noise(batch)).numpy()
        solved = np.empty((len(index), *images.shape[1:]), np.float32)

        def solve(position: int) -> None:
            image, hole = int(index[position]), holes[position]
            filled = inpainted(images[image], hole)
            solved[position] = filled + noise[image] * hole.astype(np.float32)[:, :, None]

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(solve, range(len(index))))
        return torch.from_numpy(solved).permute(0, 3, 1, 2).to(batch.images.device)

    def _noise(self, batch: Batch) -> Tensor:
        """(N, H, W, 3) on the CPU, each image by its own seed."""
        shape = batch.images.shape[1:]
        drawn = [
            torch.randn(shape, generator=batch.generator(self.seed, index))
            for index in range(len(batch))
        ]
        return torch.stack(drawn).permute(0, 2, 3, 1).contiguous() * self.noise


IMPUTERS: dict[str, type[Imputer]] = {made.name: made for made in (Zero, Mean, Blur, NoisyLinear)}


def load_imputer(name: str) -> Imputer:
    """The imputer of that name with default settings; raises ValueError listing the known ones."""
    if name not in IMPUTERS:
        raise ValueError(f"unknown imputer {name!r}; known: {', '.join(IMPUTERS)}")
    return IMPUTERS[name]()
