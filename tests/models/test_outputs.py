"""What outputs mean: known probabilities of one logit, labels, a softmax inside, and values."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat
from xai_core.metrics import METRICS
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
