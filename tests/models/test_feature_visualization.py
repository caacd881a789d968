"""Synthesised images raise their objective; channels share out the logit."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import TinyNetwork, seeded
from xai_core.images.reading import InputFormat, normalised
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.feature_visualization import (
    Channel,
    ClassLogit,
    Direction,
    FeatureVisualization,
    Objective,
    channel_shares,
    image_of,
    most_activating,
)

MakeBatch = Callable[[Classifier], Batch]
QUICK = FeatureVisualization(steps=80)


def value(classifier: Classifier, objective: Objective, rgb: np.ndarray) -> float:
    images = torch.from_numpy(normalised(rgb, classifier.form))[None]
    with torch.no_grad():
        return float(objective.score(classifier, images))


@pytest.mark.parametrize(
    "objective",
    [Channel(3), Channel(2, "features.1"), ClassLogit(1), Direction((1.0, -1.0) * 8)],
    ids=["channel", "early channel", "class", "direction"],
)
def test_a_synthesised_image_raises_its_objective(
    tiny_classifier: Classifier, objective: Objective
) -> None:
    steps: list[tuple[int, int]] = []
    drawn = QUICK.synthesise(tiny_classifier, objective, lambda done, of: steps.append((done, of)))
    assert drawn.rgb.shape == (64, 64, 3)
    assert drawn.rgb.dtype == np.uint8
    assert steps == [(step, 80) for step in range(1, 81)]
    assert len(drawn.values) == 80
    assert np.mean(drawn.values[-15:]) > np.mean(drawn.values[:15])
    still = FeatureVisualization(steps=80, turn=0, zoom=0, shift=0)
    values = still.synthesise(tiny_classifier, objective).values
    assert all(later > earlier for earlier, later in itertools.pairwise(values[5::10]))


def test_the_same_seed_draws_the_same_image(tiny_classifier: Classifier) -> None:
    quick = FeatureVisualization(steps=5)
    first = quick.synthesise(tiny_classifier, ClassLogit(0))
    assert np.array_equal(first.rgb, quick.synthesise(tiny_classifier, ClassLogit(0)).rgb)
    other = FeatureVisualization(steps=5, seed=1).synthesise(tiny_classifier, ClassLogit(0))
    assert not np.array_equal(first.rgb, other.rgb)


def test_a_network_that_likes_red_gets_red() -> None:
    class Red(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
            self.pool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(4, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.fc(torch.flatten(self.pool(self.conv(images)), 1))

    network = seeded(Red)
    network.conv.weight.data.zero_()
    network.conv.weight.data[0, :, 1, 1] = torch.tensor([1.0, -1.0, -1.0])
    classifier = Classifier.of(network, ("a", "b"), form=InputFormat(size=32, resize=36))
    rgb = FeatureVisualization(steps=100).synthesise(classifier, Channel(0)).rgb.astype(float)
    red, green, blue = rgb.mean(axis=(0, 1))
    assert red > green + 50
    assert red > blue + 50


def test_without_moves_the_reported_value_is_the_objective(tiny_classifier: Classifier) -> None:
    still = FeatureVisualization(steps=12, turn=0, zoom=0, shift=0)
    values = still.synthesise(tiny_classifier, ClassLogit(2)).values
    drawn = FeatureVisualization(steps=11, turn=0, zoom=0, shift=0).synthesise(
        tiny_classifier, ClassLogit(2)
    )
    # after 11 steps the image has the value that the 12th step reports
    assert value(tiny_classifier, ClassLogit(2), drawn.rgb) == pytest.approx(values[-1], abs=1e-3)


def test_frequencies_have_the_power_of_photographs() -> None:
    spectrum = torch.randn(3, 64, 33, 2, generator=torch.Generator().manual_seed(0))
    planes = torch.logit(image_of(0.01 * spectrum, 64))
    power = torch.fft.rfft2(planes.mean(dim=0)).abs() ** 2
    low, high = power[4, 1:33].mean(), power[16, 1:33].mean()
    assert float(low) > float(high)
    ratio = float(power[2, 2:6].mean() / power[8, 8:24].mean())
    assert 3 < ratio < 300


def test_channels_share_out_the_logit(
    tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_resnet_classifier)
    targets = batch.top(3)
    head = tiny_resnet_classifier.head
    assert head is not None
    shares = channel_shares(batch, targets)
    assert shares.shape == (4, 3, 512)
    sums = shares.sum(dim=2) + head.bias[targets]
    assert torch.allclose(sums, batch.logits.gather(1, targets), atol=1e-5)


def test_the_most_activating_images_are_found_over_batches(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    whole = tiny_batch(tiny_classifier)
    best = most_activating((whole.part(index) for index in range(4)), [0, 7], 2)
    means = whole.activations.mean(dim=(2, 3))
    for channel in (0, 7):
        order = means[:, channel].argsort(descending=True)[:2].tolist()
        assert [example.sha256 for example in best[channel]] == [whole.sha256s[i] for i in order]
        values = [example.value for example in best[channel]]
        assert values == pytest.approx(means[order, channel].tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Channel(16), "Channel.index must be from 0 to 15, got 16"),
        (Channel(0, "nowhere"), "tiny has no stage 'nowhere'"),
        (ClassLogit(5), "ClassLogit.index must be from 0 to 4, got 5"),
        (Direction((1.0,)), "Direction.weights must be 16 numbers, not all 0, got 1"),
    ],
)
def test_unknown_objectives_are_refused(
    tiny_classifier: Classifier, objective: Objective, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        QUICK.synthesise(tiny_classifier, objective)


def test_no_shares_without_a_cam_head(linear_classifier: Classifier, tiny_batch: MakeBatch) -> None:
    batch = tiny_batch(linear_classifier)
    with pytest.raises(ValueError, match="linear has no CAM head"):
        channel_shares(batch, batch.top(1))


def test_a_channel_that_is_shut_on_a_grey_image_is_woken() -> None:
    network = seeded(TinyNetwork)
    channel = Channel(3)
    probe = Classifier.of(network, tuple("abcde"), form=InputFormat(size=64, resize=64))
    grey = np.full((64, 64, 3), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    bias = network.features[4].bias
    while value(probe, channel, grey) > 0:
        with torch.no_grad():
            bias[3] -= 0.02
        probe = Classifier.of(network, tuple("abcde"), form=InputFormat(size=64, resize=64))
    assert value(probe, channel, noise) > 0
    drawn = FeatureVisualization(steps=60).synthesise(probe, channel)
    assert drawn.values[0] == 0
    assert value(probe, channel, drawn.rgb) > value(probe, channel, noise)
