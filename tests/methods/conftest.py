"""Cheap settings, a tiny vision transformer, and one thread for these small networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from xai_core.classifier import Classifier
from xai_core.images import InputFormat
from xai_core.methods import METHODS, Method

CHEAP = {"samples": 16, "steps": 5, "draws": 2, "segments": 12}


def cheap(name: str) -> Method:
    """The method with few samples."""
    declared = METHODS[name].declared()
    return METHODS[name](**{key: value for key, value in CHEAP.items() if key in declared})


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_transformer() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = VisionTransformer(
            image_size=32,
            patch_size=8,
            num_layers=3,
            num_heads=2,
            hidden_dim=16,
            mlp_dim=24,
            num_classes=5,
        )
        for parameter in network.parameters():  # torchvision starts with a head of zeros
            nn.init.normal_(parameter, std=0.3)
    return network


@pytest.fixture(scope="session")
def transformer_classifier() -> Classifier:
    return Classifier.of(
        tiny_transformer(), tuple("abcde"), name="vit", form=InputFormat(size=32, resize=36)
    )


@pytest.fixture
def classifier_for(
    tiny_classifier: Classifier, transformer_classifier: Classifier
) -> Callable[[Method], Classifier]:
    """A network that the method can explain."""

    def choose(method: Method) -> Classifier:
        return transformer_classifier if method.unfit(tiny_classifier) else tiny_classifier

    return choose
