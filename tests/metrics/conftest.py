"""A linear model on 16 cells of known weight: the best and the worst map are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from xai_core.images.reading import InputFormat
from xai_core.methods import Method
from xai_core.methods.base import Diagnostics, Family
from xai_core.metrics import Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

SIDE, CELLS = 32, 16


def fixed(maps: Tensor) -> Method:
    """A method that gives the same maps (N, H, W) whatever it is asked."""

    @dataclass(frozen=True)
    class Fixed(Method):
        """Gives what it was made with."""

        name: ClassVar[str] = "fixed"
        title: ClassVar[str] = "Fixed"
        reference: ClassVar[str] = "none"
        family: ClassVar[Family] = "baseline"
        formula: ClassVar[str] = "M"
        caveat: ClassVar[str] = "for tests"
        signed: ClassVar[bool] = True

        def passes(self, classifier: Classifier) -> float:
            return 0

        def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
            return maps[:, None].expand(-1, targets.shape[1], -1, -1)

    return Fixed()


class CellNetwork(nn.Module):
    """z_0 = sum of weight x value over pixels and channels, z_1 = 0."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.grid = nn.Identity()
        self.fc = nn.Linear(3 * SIDE * SIDE, 2, bias=False)
        with torch.no_grad():
            self.fc.weight.zero_()
            self.fc.weight[0] = weights.expand(3, -1, -1).flatten()

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.grid(images), 1))


@dataclass(frozen=True)
class World:
    """Images whose evidence is known: `evidence` (N, H, W) adds up to the class score."""

    batch: Batch
    evidence: Tensor
    masks: Tensor

    def case(self, maps: Tensor, method: Method | None = None) -> Case:
        targets = torch.zeros(len(self.batch), dtype=torch.int64)
        return Case(self.batch, targets, maps, method or fixed(maps), self.masks)

    @property
    def random(self) -> Tensor:
        return torch.rand(self.evidence.shape, generator=torch.Generator().manual_seed(1))


def cell_weights() -> Tensor:
    """(H, W): each of 4 x 4 cells its own weight, some of them against the class."""
    order = torch.randperm(CELLS, generator=torch.Generator().manual_seed(0))
    values = torch.linspace(-0.5, 1.1, CELLS)[order].view(4, 4)
    return values.repeat_interleave(8, 0).repeat_interleave(8, 1) * 0.004


@pytest.fixture(scope="session")
def make_world() -> Callable[[], World]:
    weights = cell_weights()
    classifier = Classifier.of(
        CellNetwork(weights), ("yes", "no"), name="cells", form=InputFormat(SIDE, SIDE)
    )

    def make() -> World:
        brightness = torch.tensor([1.0, 1.2, 0.8])[:, None, None, None]
        images = brightness.expand(3, 3, SIDE, SIDE).clone()
        batch = Batch(classifier, images, ["a", "b", "c"])
        evidence = images.sum(dim=1) * weights
        masks = (weights > 0.0022).expand(3, -1, -1)
        return World(batch, evidence, masks)

    return make
