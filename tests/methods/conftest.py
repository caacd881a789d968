"""Cheap settings, small models and a tiny vision transformer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models.vision_transformer import VisionTransformer

from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS, Method
from xai_core.models.classifier import Classifier

CHEAP = {"samples": 16, "steps": 5, "draws": 2, "segments": 12, "epsilon": 1.0}


def cheap(name: str) -> Method:
    """The method with few samples.

    LRP divides by outputs plus epsilon. At its own 1e-6 an output near zero is all rounding error,
    and so is its share; at 1 the shares are as exact as the outputs.
    """
    declared = METHODS[name].declared()
    return METHODS[name](**{key: value for key, value in CHEAP.items() if key in declared})


class LivelyNetwork(TinyNetwork):
    """Its weights are as large as a trained model's, so its output depends on the image.

    With torch's own it varies by 1e-4, and what is left of it in a fit is rounding error.
    """

    def __init__(self) -> None:
        super().__init__()
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.fc.weight)


@pytest.fixture(scope="session")
def lively_classifier() -> Classifier:
    return Classifier.of(
        seeded(LivelyNetwork), tuple("abcde"), name="lively", form=InputFormat(size=64, resize=72)
    )


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
    lively_classifier: Classifier, transformer_classifier: Classifier
) -> Callable[[Method], Classifier]:
    """A model that the method can explain."""

    def choose(method: Method) -> Classifier:
        return transformer_classifier if method.unfit(lively_classifier) else lively_classifier

    return choose
