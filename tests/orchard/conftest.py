"""Images drawn for tests are kept apart from the user's; models whose use is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from xai_core.images.reading import InputFormat, Photo
from xai_core.methods.uniform import Uniform
from xai_core.metrics.base import Case, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.orchard import redrawing
from xai_core.orchard.redrawing import redrawn
from xai_core.orchard.shot import Shot

SIDE = 48
PLAIN = InputFormat(size=SIDE, resize=SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where images are kept: one folder for all tests, never the user's."""
    folder = tmp_path_factory.mktemp("orchard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redrawing, "CACHE", folder)
        yield folder


class WeightedPixels(nn.Module):
    """logits = sum over pixels and colours of weights (K, 3, S, S) times the image (0..1)."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.grid = nn.Identity()
        self.fc = nn.Linear(weights[0].numel(), len(weights), bias=False)
        self.fc.weight.data = weights.flatten(1).float()

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.grid(images), 1))


@pytest.fixture(scope="session")
def weighted_pixels() -> Callable[..., Classifier]:
    """A classifier on 48 px from weights (K, 3, 48, 48): what it uses is written in them."""

    def make(weights: Tensor, categories: tuple[str, ...] = ("first", "second")) -> Classifier:
        return Classifier.of(WeightedPixels(weights), categories, name="weighted", form=PLAIN)

    return make


@pytest.fixture(scope="session")
def drawn_case() -> Callable[..., Case]:
    """The case of maps (N, H, W) on images drawn from shots."""

    def make(
        classifier: Classifier,
        shots: list[Shot],
        maps: Tensor | None = None,
        method: Method | None = None,
        targets: list[int] | None = None,
        masks: Tensor | None = None,
    ) -> Case:
        photos = [Photo(str(i), redrawn(shot).image, 2 * shot.key) for i, shot in enumerate(shots)]
        batch = Batch.of(classifier, photos)
        chosen = torch.tensor(targets or [0] * len(shots))
        maps = torch.ones(len(shots), SIDE, SIDE) if maps is None else maps
        return Case(batch, chosen, maps, method or Uniform(), masks, tuple(shots))

    return make
