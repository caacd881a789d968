"""CAM, SeCAM, Grad-CAM at the last stage, and SeCAM's controls, against their definitions."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from xai_core.images.reading import open_image
from xai_core.images.superpixels import Slic, slic_labels
from xai_core.methods._cam import feature_cam
from xai_core.methods.base import enlarged
from xai_core.methods.cam import CAM
from xai_core.methods.cam_blurred import CAMBlurred
from xai_core.methods.cam_nearest import CAMNearest
from xai_core.methods.grad_cam import GradCAM
from xai_core.methods.secam import SeCAM
from xai_core.methods.secam_foreign import SCENES, SeCAMForeign
from xai_core.methods.secam_grid import SeCAMGrid
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


@pytest.fixture(params=["tiny_classifier", "tiny_resnet_classifier"])
def batch(request: pytest.FixtureRequest, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(request.getfixturevalue(request.param))


@pytest.fixture
def targets(batch: Batch) -> Tensor:
    return batch.top(3)


def slow_cam(batch: Batch, targets: Tensor) -> Tensor:
    head = batch.classifier.head
    assert head is not None
    n, channels, height, width = batch.activations.shape
    maps = torch.zeros(n, targets.shape[1], height, width, dtype=torch.double)
    for i in range(n):
        for t, target in enumerate(targets[i].tolist()):
            for k in range(channels):
                maps[i, t] += float(head.weight[target, k]) * batch.activations[i, k].double()
    return maps.float()


def test_cam_is_the_weighted_sum_of_the_feature_maps(batch: Batch, targets: Tensor) -> None:
    assert torch.allclose(feature_cam(batch, targets), slow_cam(batch, targets), atol=1e-5)


def test_the_mean_of_cam_plus_the_bias_is_the_logit(batch: Batch, targets: Tensor) -> None:
    head = batch.classifier.head
    assert head is not None
    logits = batch.logits.gather(1, targets)
    small = feature_cam(batch, targets).mean(dim=(2, 3)) + head.bias[targets]
    large = CAM().attribute(batch, targets).mean(dim=(2, 3)) + head.bias[targets]
    assert torch.allclose(small, logits, atol=1e-5)
    assert torch.allclose(large, logits, atol=1e-5)  # survives enlargement at whole ratios


def test_grad_cam_is_cam_up_to_the_size_of_the_grid(batch: Batch, targets: Tensor) -> None:
    cells = math.prod(batch.activations.shape[2:])
    maps = GradCAM()._maps(batch, targets, {})
    assert torch.allclose(maps * cells, feature_cam(batch, targets), atol=1e-5)


@pytest.mark.parametrize("statistic", ["mean", "max"])
def test_secam_has_the_statistic_of_cam_on_every_superpixel(
    batch: Batch, targets: Tensor, statistic: str
) -> None:
    maps = SeCAM(segments=20, statistic=statistic).attribute(batch, targets)
    cams = CAM().attribute(batch, targets)
    for index, labels in enumerate(batch.segments(Slic(20, 10.0))):
        assert int(labels.max()) > 5
        for label in labels.unique():
            inside = labels == label
            for t in range(targets.shape[1]):
                values = cams[index, t][inside]
                expected = values.mean() if statistic == "mean" else values.max()
                assert torch.allclose(maps[index, t][inside], expected, atol=1e-5)


def test_secam_at_feature_resolution_averages_on_the_grid_and_loses_superpixels(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    targets = batch.top(1)
    maps = SeCAM(segments=100, resolution="feature")._maps(batch, targets, {})
    cams = feature_cam(batch, targets)
    for index, labels in enumerate(batch.segments(Slic(100, 10.0)).numpy()):
        small = labels[::8, ::8]  # 64 pixels to 8 cells, nearest
        assert len(np.unique(small)) < len(np.unique(labels))
        for label in np.unique(small):
            inside = torch.from_numpy(small == label)
            expected = cams[index, 0][inside].mean()
            assert torch.allclose(maps[index, 0][inside], expected, atol=1e-6)


def test_cam_in_blocks_repeats_every_cell(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    maps = CAMNearest().attribute(batch, batch.top(1))
    blocks = np.kron(feature_cam(batch, batch.top(1)).numpy(), np.ones((1, 1, 8, 8)))
    assert np.allclose(maps.numpy(), blocks)


def test_blurred_cam_is_scipys_gaussian_of_a_superpixels_area(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    targets = batch.top(1)
    maps = CAMBlurred(segments=50).attribute(batch, targets)
    sigma = math.sqrt(64 * 64 / (4 * math.pi * 50))
    expected = gaussian_filter(
        CAM().attribute(batch, targets)[0, 0].double().numpy(), sigma, mode="mirror", truncate=6
    )
    assert np.abs(maps[0, 0].numpy() - expected).max() < 1e-4 * np.abs(expected).max()


def test_secam_on_a_grid_averages_over_rectangles_as_many_as_superpixels(
    batch: Batch, targets: Tensor
) -> None:
    maps = SeCAMGrid(segments=16).attribute(batch, targets)
    cams = CAM().attribute(batch, targets)
    counts = batch.segments(Slic(16, 10.0)).flatten(1).amax(dim=1) + 1
    for index in range(len(batch)):
        rows = max(1, round(float(counts[index]) ** 0.5))
        columns = max(1, round(float(counts[index]) / rows))
        assert abs(rows * columns - int(counts[index])) <= rows
        tops = [math.ceil(row * 64 / rows) for row in range(rows + 1)]
        lefts = [math.ceil(column * 64 / columns) for column in range(columns + 1)]
        for top, bottom in itertools.pairwise(tops):
            for left, right in itertools.pairwise(lefts):
                cell = maps[index, 0, top:bottom, left:right]
                mean = cams[index, 0, top:bottom, left:right].mean()
                assert torch.allclose(cell, mean, atol=1e-5)


@pytest.mark.skipif(not SCENES.is_dir(), reason="the Orchard images are not there")
def test_foreign_superpixels_come_from_another_scene(tiny_classifier: Classifier) -> None:
    paths = sorted(SCENES.glob("*.jpg"))[:3]
    batch = Batch.of(tiny_classifier, [open_image(path) for path in paths])
    maps = SeCAMForeign(segments=20).attribute(batch, batch.top(1))
    cams = CAM().attribute(batch, batch.top(1))
    own = batch.segments(Slic(20, 10.0))
    for index in range(len(batch)):
        values = maps[index, 0].unique()
        assert 5 < len(values) <= 30
        for value in values:
            inside = maps[index, 0] == value
            assert torch.allclose(cams[index, 0][inside].mean(), value, atol=1e-5)
        borders = maps[index, 0, :, 1:] != maps[index, 0, :, :-1]
        assert not torch.equal(borders, own[index, :, 1:] != own[index, :, :-1])
    other = SeCAMForeign(segments=20, seed=1).attribute(batch, batch.top(1))
    assert not torch.equal(maps, other)


def test_a_foreign_scene_is_never_the_image_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from xai_core.methods import secam_foreign

    scenes = sorted(SCENES.glob("*.jpg"))[:2]
    if len(scenes) < 2:
        pytest.skip("the Orchard images are not there")
    monkeypatch.setattr(secam_foreign, "_scenes", lambda: tuple(scenes))
    for own in range(2):
        sha256 = hashlib.sha256(scenes[own].read_bytes()).hexdigest()
        for draw in range(4):
            assert secam_foreign._other_scene(draw, sha256) == scenes[1 - own]


def test_superpixels_are_cut_on_the_picture_that_the_network_sees(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    maps = SeCAM(segments=30).attribute(batch, batch.top(1))
    labels = slic_labels(batch.rgb[0], Slic(30, 10.0))
    cams = enlarged(feature_cam(batch, batch.top(1)), 64, 64)[0, 0].numpy()
    slow = np.zeros((64, 64))
    for label in np.unique(labels):
        slow[labels == label] = cams[labels == label].mean()
    assert np.allclose(maps[0, 0].numpy(), slow, atol=1e-6)


def test_no_cam_head_is_said_with_what_works(linear_classifier: Classifier) -> None:
    for method in (CAM(), SeCAM(), SeCAMGrid(), SeCAMForeign(), CAMBlurred(), CAMNearest()):
        reason = method.unfit(linear_classifier)
        assert reason is not None
        assert "linear has no CAM head" in reason
        assert "grad_cam" in reason
