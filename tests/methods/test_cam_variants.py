"""The CAM variants against plain re-implementations from their papers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from xai_core.methods._cam import feature_cam
from xai_core.methods.ablation_cam import AblationCAM
from xai_core.methods.eigen_cam import EigenCAM
from xai_core.methods.grad_cam import GradCAM
from xai_core.methods.grad_cam_plus_plus import GradCAMPlusPlus
from xai_core.methods.hires_cam import HiResCAM
from xai_core.methods.layer_cam import LayerCAM
from xai_core.methods.score_cam import ScoreCAM
from xai_core.methods.xgrad_cam import XGradCAM
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]
EARLY = "layer2"


@pytest.fixture
def batch(tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(tiny_resnet_classifier)


def pieces(batch: Batch, index: int, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Feature maps (C, h, w) of layer2 and their gradients, by running the model in two parts."""
    net = batch.classifier.network
    image = batch.images[index : index + 1]
    start = net.layer2(net.layer1(net.maxpool(torch.relu(net.bn1(net.conv1(image))))))
    start = start.detach().requires_grad_()
    logits = net.fc(net.avgpool(net.layer4(net.layer3(start))).flatten(1))
    (gradient,) = torch.autograd.grad(logits[0, target], start)
    return start[0].detach().double().numpy(), gradient[0].double().numpy()


def slow_grad_cam(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return sum(slopes[k].mean() * maps[k] for k in range(len(maps)))


def slow_plus_plus(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    total = np.zeros(maps.shape[1:])
    for f, g in zip(maps, slopes, strict=True):
        weight = 0.0
        for y in range(f.shape[0]):
            for x in range(f.shape[1]):
                below = 2 * g[y, x] ** 2 + f.sum() * g[y, x] ** 3
                weight += (g[y, x] ** 2 / below if below else 0.0) * max(g[y, x], 0.0)
        total += weight * f
    return total


def slow_xgrad(maps: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    total = np.zeros(maps.shape[1:])
    for f, g in zip(maps, slopes, strict=True):
        if f.sum() > 1e-7:
            total += (f / f.sum() * g).sum() * f
    return total


SLOW = {
    GradCAM: slow_grad_cam,
    GradCAMPlusPlus: slow_plus_plus,
    HiResCAM: lambda maps, slopes: (maps * slopes).sum(axis=0),
    LayerCAM: lambda maps, slopes: (maps * slopes.clip(min=0)).sum(axis=0),
    XGradCAM: slow_xgrad,
}


@pytest.mark.parametrize("method", SLOW, ids=lambda method: method.name)
def test_gradient_variants_at_an_early_stage(method: type, batch: Batch) -> None:
    targets = batch.top(2)
    maps = method(stage=EARLY)._maps(batch, targets, {})
    for index in range(len(batch)):
        for column, target in enumerate(targets[index].tolist()):
            slow = SLOW[method](*pieces(batch, index, target))
            error = np.abs(maps[index, column].detach().numpy() - slow).max()
            assert error < 1e-4 * np.abs(slow).max()


@pytest.mark.parametrize("method", [HiResCAM, XGradCAM, GradCAM])
def test_at_the_last_stage_they_are_all_cam(method: type, batch: Batch) -> None:
    targets = batch.top(2)
    cells = batch.activations.shape[2] * batch.activations.shape[3]
    maps = method()._maps(batch, targets, {}) * cells
    assert torch.allclose(maps, feature_cam(batch, targets), atol=1e-5)


def test_hires_cam_of_a_linear_network_shares_out_the_logit(
    linear_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(linear_classifier)
    targets = batch.top(2)
    bias = linear_classifier.network.fc.bias[targets]
    sums = HiResCAM().attribute(batch, targets).sum(dim=(2, 3))
    assert torch.allclose(sums + bias, batch.logits.gather(1, targets), atol=1e-5)


@pytest.mark.parametrize("centred", [False, True])
def test_eigen_cam_projects_on_the_main_direction(batch: Batch, centred: bool) -> None:
    maps = EigenCAM(stage=EARLY, centred=centred)._maps(batch, batch.top(1), {})
    for index, activations in enumerate(batch.stage_activations(EARLY).double().numpy()):
        grid = activations.reshape(len(activations), -1).T
        activity = grid.sum(axis=1)
        if centred:
            grid, activity = grid - grid.mean(axis=0), activity - activity.mean()
        values, vectors = np.linalg.eigh(grid.T @ grid)
        slow = grid @ vectors[:, values.argmax()]
        slow *= np.sign(slow @ activity)
        assert np.abs(maps[index, 0].numpy().ravel() - slow).max() < 1e-3 * np.abs(slow).max()


@pytest.mark.parametrize("channels", [0, 5])
def test_score_cam_masks_the_picture_channel_by_channel(
    tiny_classifier: Classifier, tiny_batch: MakeBatch, channels: int
) -> None:
    batch = tiny_batch(tiny_classifier)
    targets = batch.top(2)
    found: dict[str, Tensor] = {}
    maps = ScoreCAM(channels=channels, batch_size=3).attribute(batch, targets, found)
    for index, activations in enumerate(batch.activations):
        order = sorted(range(16), key=lambda k: -float(activations[k].var(correction=0)))
        used = order[: channels or 16]
        for column, target in enumerate(targets[index].tolist()):
            scores = []
            for k in used:
                f = activations[k]
                window = (f - f.min()) / (f.max() - f.min()) if f.max() > f.min() else f * 0
                large = functional.interpolate(
                    window[None, None], size=(64, 64), mode="bilinear", align_corners=False
                )
                with torch.no_grad():
                    masked = batch.images[index : index + 1] * large
                    scores.append(float(tiny_classifier.logits(masked)[0, target]))
            weights = np.exp(np.array(scores) - max(scores))
            weights /= weights.sum()
            slow = sum(w * activations[k].numpy() for w, k in zip(weights, used, strict=True))
            small = torch.from_numpy(np.asarray(slow, dtype=np.float32))[None, None]
            large = functional.interpolate(
                small, size=(64, 64), mode="bilinear", align_corners=False
            )
            assert torch.allclose(maps[index, column], large[0, 0], atol=1e-5)
    assert found["channels_used"].eq(channels or 16).all()


def test_ablation_cam_on_a_cam_head_knows_each_channels_share_of_the_logit(batch: Batch) -> None:
    targets = batch.top(2)
    head = batch.classifier.head
    assert head is not None
    means = batch.activations.mean(dim=(2, 3))
    losses = head.weight[targets] * means[:, None]  # w_k mean(f_k)
    slow = torch.einsum("ntk,nkhw->nthw", losses, batch.activations)
    maps = AblationCAM(batch_size=100)._maps(batch, targets, {})
    assert torch.allclose(maps, slow, atol=1e-4 * float(slow.abs().max()))


def test_ablation_cam_at_an_early_stage_runs_the_rest_again(batch: Batch) -> None:
    found: dict[str, Tensor] = {}
    maps = AblationCAM(stage=EARLY, channels=4)._maps(batch.part(0), batch.top(1)[:1], found)
    net = batch.classifier.network
    start = batch.stage_activations(EARLY)[:1]
    target = int(batch.top(1)[0])
    used = start[0].flatten(1).var(dim=1).argsort(descending=True)[:4]
    slow = torch.zeros(start.shape[2:])
    for k in used.tolist():
        without = start.clone()
        without[0, k] = 0
        with torch.no_grad():
            logits = net.fc(net.avgpool(net.layer4(net.layer3(without))).flatten(1))
        slow += (batch.logits[0, target] - logits[0, target]) * start[0, k]
    assert torch.allclose(maps[0, 0], slow, atol=1e-4 * float(slow.abs().max()))
    assert found["channels_used"].tolist() == [[4.0]]


def test_a_silent_channel_makes_no_nan() -> None:
    from tests.conftest import TinyNetwork, picture, seeded
    from xai_core.images.reading import InputFormat

    network = seeded(TinyNetwork)
    network.features[4].weight.data[3] = 0
    network.features[4].bias.data[3] = -1
    classifier = Classifier.of(network, tuple("abcde"), form=InputFormat(size=64, resize=72))
    batch = Batch.of(classifier, [picture(0)])
    for method in (XGradCAM(), GradCAMPlusPlus(), ScoreCAM(), AblationCAM(), EigenCAM()):
        assert bool(method.attribute(batch, batch.top(2)).isfinite().all())


@pytest.mark.parametrize("method", [GradCAM, HiResCAM, EigenCAM, ScoreCAM, AblationCAM])
def test_an_unknown_stage_is_refused_with_the_known_ones(method: type, batch: Batch) -> None:
    with pytest.raises(ValueError, match=r"tiny_resnet has no stage 'nowhere'; it has: .*layer4"):
        method(stage="nowhere").attribute(batch, batch.top(1))
