"""What outputs mean: known probabilities of one logit, labels, a softmax inside, and values."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.metrics.base import Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

FORM = InputFormat(size=64, resize=72)
IMAGES = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def tiny(*behind: nn.Module, outputs: int = 5) -> nn.Module:
    network = seeded(TinyNetwork).eval()
    network.fc = nn.Sequential(seeded(lambda: nn.Linear(16, outputs)), *behind)
    return network


def test_one_logit_is_its_own_sigmoid() -> None:
    network = tiny(outputs=1)
    classifier = Classifier.of(network, ("ripe",), form=FORM)
    given = classifier.probabilities(classifier.logits(IMAGES))
    expected = torch.sigmoid(network(IMAGES))
    assert classifier.categories == ("not ripe", "ripe")
    torch.testing.assert_close(given, torch.cat([1 - expected, expected], 1), rtol=0, atol=1e-5)
    assert classifier.head is not None


def test_each_label_has_its_own_sigmoid() -> None:
    network = tiny()
    classifier = Classifier.of(network, tuple("abcde"), form=FORM, outputs="sigmoid")
    given = classifier.probabilities(classifier.logits(IMAGES))
    torch.testing.assert_close(given, torch.sigmoid(network(IMAGES)), rtol=0, atol=1e-5)


def test_a_softmax_inside_is_not_taken_twice() -> None:
    network = tiny(nn.Softmax(dim=1))
    classifier = Classifier.of(network, tuple("abcde"), form=FORM)
    given = classifier.probabilities(classifier.logits(IMAGES))
    torch.testing.assert_close(given, network(IMAGES), rtol=0, atol=1e-5)
    torch.testing.assert_close(classifier.logits(IMAGES), tiny()(IMAGES), rtol=0, atol=1e-5)
    assert "ends in softmax" in classifier.notes[0]


def test_plain_values_stay_and_metrics_of_probabilities_refuse() -> None:
    network = tiny(outputs=1)
    classifier = Classifier.of(network, ("age",), form=FORM, outputs="none")
    torch.testing.assert_close(classifier.probabilities(classifier.logits(IMAGES)), network(IMAGES))
    assert "needs probabilities" in str(METRICS["deletion"]().unfit(classifier))
    assert METRICS["infidelity"]().unfit(classifier) is None


def test_weights_changed_later_are_noticed_once_and_not_explained() -> None:
    network = tiny()
    classifier = Classifier.of(network, tuple("abcde"), form=FORM)
    before = classifier.logits(IMAGES)
    classifier.notice_changes()
    with torch.no_grad():
        network.fc[0].bias.add_(1.0)
    with pytest.warns(UserWarning, match="changed since Classifier.of"):
        classifier.notice_changes()
    classifier.notice_changes()
    assert torch.equal(classifier.logits(IMAGES), before)


class Ripe(nn.Module):
    """One logit: 8 x the mean brightness of the upper left quarter, less 4."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.AvgPool2d(8)
        self.fc = nn.Linear(3 * 8 * 8, 1)
        weights = torch.zeros(3, 8, 8)
        weights[:, :4, :4] = 8 / 48
        with torch.no_grad():
            self.fc.weight.copy_(weights.reshape(1, -1))
            self.fc.bias.fill_(-4.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.grid(images).flatten(1))


def test_the_deletion_curve_of_a_binary_model_falls_from_its_own_sigmoid() -> None:
    form = InputFormat(size=64, resize=64, mean=(0.0,) * 3, std=(1.0,) * 3)
    classifier = Classifier.of(Ripe(), ("ripe",), form=form)
    images = torch.ones(1, 3, 64, 64)
    batch = Batch(classifier, images, ["0" * 64])
    ripe = torch.tensor([1])
    assert classifier.categories[1] == "ripe"
    assert float(batch.probabilities[0, 1]) == pytest.approx(1 / (1 + math.exp(-4)), abs=1e-6)
    best, worst = torch.zeros(1, 64, 64), torch.ones(1, 64, 64)
    best[:, :32, :32], worst[:, :32, :32] = 1.0, 0.0
    deletion = METRICS["deletion"]()
    end = 1 / (1 + math.exp(4))
    # the quarter goes first or last: sigmoid(4 - 8u) over it has the area 1/2 x its share
    areas = (0.25 * 0.5 + 0.75 * end, 0.75 * (1 - end) + 0.25 * 0.5)
    for maps, area in zip((best, worst), areas, strict=True):
        scores = deletion.score(Case(batch, ripe, maps, METHODS["saliency"]()))
        curve = scores.curves["morf"][0]
        assert bool((curve.diff() <= 1e-6).all())
        assert (float(curve[0]), float(curve[-1])) == pytest.approx((1 - end, end), abs=1e-6)
        assert float(scores.values[0]) == pytest.approx(area, abs=0.01)  # of 14 steps
