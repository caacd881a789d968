"""The null baselines know nothing, in exactly the way they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch.nn import functional

from xai_core.methods.center_gaussian import CenterGaussian
from xai_core.methods.random import Random
from xai_core.methods.sobel import Sobel, edges
from xai_core.methods.uniform import Uniform
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


@pytest.fixture
def batch(tiny_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]) -> Batch:
    return tiny_batch(tiny_classifier)


def test_random_pixels_are_even_and_independent(batch: Batch) -> None:
    maps = Random().attribute(batch, batch.top(1))[:, 0]
    assert abs(float(maps.mean()) - 0.5) < 0.02
    assert abs(float(maps.var()) - 1 / 12) < 0.005
    assert abs(float(torch.corrcoef(maps.flatten(1))[0, 1])) < 0.06
    neighbours = torch.stack([maps[:, :, 1:].flatten(), maps[:, :, :-1].flatten()])
    assert abs(float(torch.corrcoef(neighbours)[0, 1])) < 0.06


def test_random_cells_are_seven_by_seven_enlarged_like_cam(batch: Batch) -> None:
    maps = Random(grain="cell").attribute(batch, batch.top(1))
    cells = torch.rand(7, 7, generator=batch.generator(0, 2))[None, None]
    large = functional.interpolate(cells, size=(64, 64), mode="bilinear", align_corners=False)
    assert torch.allclose(maps[2, 0], large[0, 0], atol=1e-6)


def test_random_does_not_see_the_network(
    batch: Batch, tiny_resnet_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]
) -> None:
    other = tiny_batch(tiny_resnet_classifier)
    ours, theirs = (b.classifier.fingerprint for b in (batch, other))
    assert ours != theirs
    maps = (Random().attribute(b, torch.zeros(4, 1, dtype=torch.int64)) for b in (batch, other))
    assert torch.equal(*maps)


def test_the_gaussian_is_highest_in_the_middle_and_as_wide_as_said(batch: Batch) -> None:
    bell = CenterGaussian(width=0.25).attribute(batch, batch.top(1))[0, 0]
    assert torch.equal(bell, bell.flip(0))
    assert torch.equal(bell, bell.T)
    assert int(bell.argmax()) in (31 * 64 + 31, 31 * 64 + 32, 32 * 64 + 31, 32 * 64 + 32)
    # 16 pixels from the centre is one standard deviation of 0.25 * 64 pixels
    ratio = bell[32, 47] / bell[32, 32]
    assert float(ratio) == pytest.approx(np.exp(-(15.5**2 - 0.5**2) / (2 * 16**2)), rel=1e-4)


def test_sobel_is_the_two_filters(batch: Batch) -> None:
    grey = batch.rgb[1].astype(np.float64) @ [0.299, 0.587, 0.114] / 255
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)
    slow = np.hypot(
        correlate(grey, across, mode="mirror"), correlate(grey, across.T, mode="mirror")
    )
    maps = Sobel().attribute(batch, batch.top(1))
    assert np.abs(maps[1, 0].numpy() - slow).max() < 0.02  # OpenCV rounds grey to 8 bits


def test_sobel_of_a_step_is_an_edge() -> None:
    rgb = np.zeros((9, 9, 3), np.uint8)
    rgb[:, 5:] = 255
    strength = edges(rgb)
    assert np.allclose(strength[:, 4:6], 4.0)
    assert np.allclose(strength[:, :4], 0.0)


def test_uniform_is_one_everywhere(batch: Batch) -> None:
    assert torch.equal(Uniform().attribute(batch, batch.top(3)), torch.ones(4, 3, 64, 64))
