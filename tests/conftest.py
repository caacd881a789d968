"""Small models and images that every test folder uses; no test reaches the internet."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from xai_core.images.reading import InputFormat, Photo
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

DASHBOARD = Path(__file__).resolve().parent.parent / "dashboard"
sys.path.insert(0, str(DASHBOARD))  # as `streamlit run` does
LOCAL = ("127.0.0.1", "::1", "localhost")

# Two processes test on two cores: threads of small models would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes that tests start
torch.set_num_threads(1)  # this one, which has torch already


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the browser and its server, the other takes what is left."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The times that tests measured, from whichever worker."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    told = [text for report in calls for name, text in report.user_properties if name == "measured"]
    if told:
        terminalreporter.section("measured, not asserted")
        terminalreporter.write_line("\n".join(told))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in LOCAL:
            raise OSError(f"tests do not reach the internet, tried {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


class LinearNetwork(nn.Module):
    """logits = W . image + b on 3 x 32 x 32 pixels; `grid` is there so that a stage exists."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Identity()
        self.fc = nn.Linear(3 * 32 * 32, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.grid(images), 1))


class TinyNetwork(nn.Module):
    """A small CNN with global average pooling and one Linear layer, in-place ReLUs included."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 12, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(12, 16, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(torch.flatten(self.avgpool(self.features(images)), 1))


def seeded(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


@pytest.fixture(scope="session")
def linear_classifier() -> Classifier:
    return Classifier.of(
        seeded(LinearNetwork), tuple("abcd"), name="linear", form=InputFormat(size=32, resize=36)
    )


@pytest.fixture(scope="session")
def tiny_classifier() -> Classifier:
    return Classifier.of(
        seeded(TinyNetwork), tuple("abcde"), name="tiny", form=InputFormat(size=64, resize=72)
    )


@pytest.fixture(scope="session")
def tiny_resnet_classifier() -> Classifier:
    def make() -> nn.Module:
        network = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5)
        for module in network.modules():  # batch norm that does something, as after training
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        return network

    return Classifier.of(
        seeded(make), tuple("abcde"), name="tiny_resnet", form=InputFormat(size=64, resize=72)
    )


def picture(seed: int, height: int = 96, width: int = 120) -> Photo:
    """A structured image: a coloured disc and a bar on a gradient with some noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([rows / height, columns / width, np.full((height, width), 0.4)], axis=-1)
    centre = random.uniform(0.3, 0.7, 2) * (height, width)
    disc = np.hypot(rows - centre[0], columns - centre[1]) < random.uniform(0.15, 0.3) * height
    rgb[disc] = random.uniform(0, 1, 3)
    top = int(random.uniform(0, 0.8) * height)
    rgb[top : top + height // 10, width // 5 : 4 * width // 5] = random.uniform(0, 1, 3)
    rgb += random.normal(0, 0.03, rgb.shape)
    pixels = (rgb.clip(0, 1) * 255).astype(np.uint8)
    return Photo(f"picture_{seed}.png", pixels, f"{seed:064x}")


@pytest.fixture(scope="session")
def photos() -> list[Photo]:
    return [picture(seed) for seed in range(4)]


@pytest.fixture(scope="session")
def tiny_batch(photos: list[Photo]) -> Callable[[Classifier], Batch]:
    return lambda classifier: Batch.of(classifier, photos)


def write_colours(folder: Path, colours: dict[str, tuple[int, int, int]], count: int) -> None:
    """One folder per class with `count` noisy images of its colour."""
    random = np.random.default_rng(0)
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = np.full((20, 26, 3), colour) + random.integers(0, 30, (20, 26, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{index}.png")
