"""What a channel or a class looks for: synthesised images, shares of the logit, best examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import Recipe, setting

Progress = Callable[[int, int], None]
WAKE = 1.3
"""Growth of the contrast in a step in which the objective does not answer to the image at all."""

# Colours of photos vary mostly in brightness, then from blue to yellow, then green to magenta.
_COLOURS = torch.tensor(
    [[1, 1, 1], [1, 0, -1], [1, -2, 1]] / np.sqrt([[3], [2], [6]]), dtype=torch.float32
)
_COLOUR_SPREAD = torch.tensor([1.0, 0.3, 0.12])


@dataclass(frozen=True)
class Channel:
    """The mean of one channel of a stage ("" is the last stage)."""

    index: int
    stage: str = ""

    def score(self, classifier: Classifier, images: Tensor) -> Tensor:
        """The value (N,) for images (N, 3, H, W); raises ValueError for an unknown channel."""
        activations = classifier.stage_and_logits(images, self.stage)[0]
        if not 0 <= self.index < activations.shape[1]:
            raise ValueError(
                f"Channel.index must be from 0 to {activations.shape[1] - 1}, got {self.index}"
            )
        return activations[:, self.index].mean(dim=(1, 2))


@dataclass(frozen=True)
class ClassLogit:
    """The logit of one class."""

    index: int

    def score(self, classifier: Classifier, images: Tensor) -> Tensor:
        """The value (N,) for images (N, 3, H, W); raises ValueError for an unknown class."""
        if not 0 <= self.index < len(classifier.categories):
            last = len(classifier.categories) - 1
            raise ValueError(f"ClassLogit.index must be from 0 to {last}, got {self.index}")
        return classifier.logits(images)[:, self.index]


@dataclass(frozen=True)
class Direction:
    """The mean of a weighted sum of a stage's channels, with weights of length 1."""

    weights: tuple[float, ...]
    stage: str = ""

    def score(self, classifier: Classifier, images: Tensor) -> Tensor:
        """The value (N,) for images (N, 3, H, W); raises ValueError where the length is wrong."""
        activations = classifier.stage_and_logits(images, self.stage)[0]
        weights = torch.tensor(self.weights, device=images.device)
        if len(weights) != activations.shape[1] or not bool(weights.any()):
            raise ValueError(
                f"Direction.weights must be {activations.shape[1]} numbers, not all 0, "
                f"got {len(self.weights)}"
            )
        values: Tensor = activations.mean(dim=(2, 3)) @ (weights / weights.norm())
        return values


Objective = Channel | ClassLogit | Direction


@dataclass(frozen=True)
class Synthesis:
    """A synthesised image (H, W, 3) uint8 and the objective at every step, on moved images."""

    rgb: npt.NDArray[np.uint8]
    values: tuple[float, ...]


@dataclass(frozen=True)
class FeatureVisualization(Recipe):
    """The image that an objective likes best: max_z of the mean of g(T(image(z))).

    image(z) is drawn from Fourier coefficients z, each divided by its frequency, in decorrelated
    colours, and squashed to 0..1; T turns, scales and shifts at random, so that the image
    survives small changes; g is a channel, a class or a direction.
    """

    title = "Feature visualisation"
    reference = "Olah et al., Distill 2017"
    formula = r"\max_z \; \mathbb{E}_T \left[ g\left(T(\mathrm{image}(z))\right) \right]"
    caveat = (
        "It shows one thing that the channel likes very much, not all that it responds to: look "
        "at the images that activate it too."
    )

    steps: int = setting(256, "steps of the optimiser", low=1, high=4096)
    rate: float = setting(0.05, "size of a step", low=0.001, high=1.0)
    turn: float = setting(10.0, "largest turn in degrees", low=0.0, high=90.0)
    zoom: float = setting(0.1, "largest change of scale, as a fraction", low=0.0, high=0.5)
    shift: float = setting(0.07, "largest shift, of the image's side", low=0.0, high=0.5)
    seed: int = setting(0, "seed of the first image and of the moves", low=0)

    def synthesise(
        self, classifier: Classifier, objective: Objective, progress: Progress | None = None
    ) -> Synthesis:
        """Optimise an image for a classifier, reporting (steps done, steps) to `progress`."""
        form, device = classifier.form, classifier.device
        generator = torch.Generator().manual_seed(self.seed)
        first = torch.randn(3, form.size, form.size // 2 + 1, 2, generator=generator)
        spectrum = (0.01 * first).to(device).requires_grad_()
        mean = torch.tensor(form.mean, device=device)[:, None, None]
        std = torch.tensor(form.std, device=device)[:, None, None]
        optimiser = torch.optim.Adam([spectrum], lr=self.rate)
        values = []
        with torch.inference_mode(False), torch.enable_grad():
            for step in range(self.steps):
                moved = self._moved(image_of(spectrum, form.size)[None], generator)
                score = objective.score(classifier, (moved - mean) / std).sum()
                (spectrum.grad,) = torch.autograd.grad(-score, spectrum)
                if not spectrum.grad.any():  # behind a ReLU that is shut: more contrast opens it
                    spectrum.data *= WAKE
                optimiser.step()
                values.append(float(score.detach()))
                if progress is not None:
                    progress(step + 1, self.steps)
        picture = image_of(spectrum.detach(), form.size)
        pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8)
        return Synthesis(pixels.cpu().numpy(), tuple(values))

    def _moved(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Images (1, 3, H, W) turned, scaled and shifted at random; the border is mirrored."""
        draws = (2 * torch.rand(4, generator=generator) - 1).tolist()
        angle, scale = math.radians(self.turn * draws[0]), 1 + self.zoom * draws[1]
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        right, down = (2 * self.shift * draw for draw in draws[2:])
        motion = torch.tensor([[[cosine, -sine, right], [sine, cosine, down]]]).to(images)
        grid = functional.affine_grid(motion, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def image_of(spectrum: Tensor, size: int) -> Tensor:
    """Fourier coefficients (3, size, size // 2 + 1, 2) -> an image (3, size, size) from 0 to 1.

    Every frequency starts with the power that it has in photos: 1 / frequency^2.
    """
    rows = torch.fft.fftfreq(size, device=spectrum.device)[:, None]
    columns = torch.fft.rfftfreq(size, device=spectrum.device)
    frequency = torch.hypot(rows, columns.expand(size, -1)).clamp(min=1 / size)
    waves = torch.view_as_complex(spectrum) * (1 / frequency)
    planes: Any = torch.fft.irfft2(waves, s=(size, size), norm="ortho")
    basis = (_COLOURS * _COLOUR_SPREAD[:, None]).to(planes)
    return torch.sigmoid(torch.einsum("khw,kc->chw", planes, basis))


def channel_shares(batch: Batch, targets: Tensor) -> Tensor:
    """What every channel adds to the logit, w_k^c mean(f_k): (N, T, K) for targets (N, T).

    The shares and the bias sum to the logit exactly. Raises ValueError without a CAM head.
    """
    head = batch.classifier.head
    if head is None:
        raise ValueError(
            f"{batch.classifier.name} has no CAM head, so its logits are no sum over channels"
        )
    return head.weight[targets] * batch.activations.mean(dim=(2, 3))[:, None]


@dataclass(frozen=True)
class Example:
    """An image by its sha256 and the mean activation of a channel on it."""

    sha256: str
    value: float


def most_activating(
    batches: Iterable[Batch], channels: Iterable[int], count: int, stage: str = ""
) -> dict[int, list[Example]]:
    """For each channel the `count` images with the largest mean activation, largest first."""
    best: dict[int, list[Example]] = {channel: [] for channel in channels}
    for batch in batches:
        means = batch.stage_activations(stage).mean(dim=(2, 3))
        for channel, examples in best.items():
            values = means[:, channel].tolist()
            found = [Example(*pair) for pair in zip(batch.sha256s, values, strict=True)]
            best[channel] = sorted(examples + found, key=lambda e: -e.value)[:count]
    return best
