"""Gradient methods: exact on linear models, completeness, slow versions of their rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from captum.attr import DeepLift as CaptumDeepLift
from captum.attr import GradientShap as CaptumGradientShap
from captum.attr import Saliency as CaptumSaliency
from torch import Tensor
from torch.nn import functional

from xai_core.methods._baselines import black, blurred, fixed_baseline, mean_colour
from xai_core.methods.deep_lift import DeepLIFT
from xai_core.methods.grad_cam import GradCAM
from xai_core.methods.gradient_shap import GradientSHAP
from xai_core.methods.guided_backprop import GuidedBackprop
from xai_core.methods.guided_grad_cam import GuidedGradCAM
from xai_core.methods.input_x_gradient import InputXGradient
from xai_core.methods.integrated_gradients import IntegratedGradients
from xai_core.methods.lrp import LRP
from xai_core.methods.saliency import Saliency
from xai_core.methods.smooth_grad import SmoothGrad
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


@pytest.fixture
def linear(linear_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(linear_classifier)


@pytest.fixture
def tiny(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(tiny_classifier)


def weights_of(batch: Batch, targets: Tensor) -> Tensor:
    """The linear model's weights (N, T, 3, H, W)."""
    return batch.classifier.network.fc.weight[targets].view(*targets.shape, 3, 32, 32)


def test_saliency_of_a_linear_network_is_its_largest_weight(linear: Batch) -> None:
    targets = linear.top(2)
    expected = weights_of(linear, targets).abs().amax(dim=2)
    assert torch.allclose(Saliency().attribute(linear, targets), expected, atol=1e-7)


def test_smooth_grad_of_a_linear_network_is_its_saliency(linear: Batch) -> None:
    targets = linear.top(2)
    smooth = SmoothGrad(samples=7).attribute(linear, targets)
    assert torch.allclose(smooth, Saliency().attribute(linear, targets), atol=1e-6)


def test_smooth_grad_without_noise_is_saliency(tiny: Batch) -> None:
    smooth = SmoothGrad(samples=3, noise=0.0).attribute(tiny, tiny.top(2))
    assert torch.allclose(smooth, Saliency().attribute(tiny, tiny.top(2)), rtol=1e-5)


def test_smooth_grad_averages_gradients_at_noisy_copies(tiny: Batch) -> None:
    maps = SmoothGrad(samples=5, noise=0.3, seed=4).attribute(tiny, tiny.top(1))
    image, generator = tiny.images[1], tiny.generator(4, 1)
    total = torch.zeros_like(image)
    for _ in range(5):
        noise = torch.randn(image.shape, generator=generator)
        noisy = (image + 0.3 * (image.max() - image.min()) * noise)[None].requires_grad_()
        score = tiny.classifier.logits(noisy)[0, int(tiny.predicted[1])]
        total += torch.autograd.grad(score, noisy)[0][0]
    assert torch.allclose(maps[1, 0], (total / 5).abs().amax(dim=0), rtol=1e-4, atol=1e-9)


def test_input_x_gradient_of_a_linear_network_sums_to_the_logit(linear: Batch) -> None:
    targets = linear.top(2)
    maps = InputXGradient().attribute(linear, targets)
    expected = (weights_of(linear, targets) * linear.images[:, None]).sum(dim=2)
    assert torch.allclose(maps, expected, atol=1e-6)
    bias = linear.classifier.network.fc.bias[targets]
    assert torch.allclose(maps.sum(dim=(2, 3)) + bias, linear.logits.gather(1, targets), atol=1e-5)


@pytest.mark.parametrize("baseline", ["black", "mean", "blurred"])
def test_paths_on_a_linear_network_are_weight_times_difference(
    linear: Batch, baseline: str
) -> None:
    targets = linear.top(2)
    start = fixed_baseline(baseline, linear.images, linear.classifier.form)
    expected = (weights_of(linear, targets) * (linear.images - start)[:, None]).sum(dim=2)
    for method in (
        IntegratedGradients(steps=1, baseline=baseline),
        DeepLIFT(baseline=baseline),
        GradientSHAP(samples=3, baseline=baseline),
    ):
        assert torch.allclose(method.attribute(linear, targets), expected, atol=1e-6)


def test_integrated_gradients_is_the_integral(tiny: Batch) -> None:
    targets = tiny.top(1)
    found: dict[str, Tensor] = {}
    maps = IntegratedGradients(steps=60).attribute(tiny, targets, found)
    image, target = tiny.images[:1], int(targets[0])
    start = black(image, tiny.classifier.form)
    total, steps = torch.zeros_like(image), 2000
    for part in torch.split((torch.arange(steps) + 0.5) / steps, 250):
        points = (start + part[:, None, None, None] * (image - start)).requires_grad_()
        score = tiny.classifier.logits(points)[:, target].sum()
        total += torch.autograd.grad(score, points)[0].sum(dim=0) / steps
    slow = ((image - start) * total)[0].sum(dim=0)
    assert float((maps[0, 0] - slow).abs().sum() / slow.abs().sum()) < 0.03
    change = tiny.logits[0, target] - tiny.classifier.logits(start)[0, target]
    assert float(found["completeness_error"][0, 0]) == pytest.approx(
        abs(float(maps[0, 0].sum() - change)), abs=1e-6
    )
    assert float(found["completeness_error"].max()) < 1e-3


def test_more_steps_and_more_samples_are_more_complete(
    tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_resnet_classifier).part(0)

    def error(method: IntegratedGradients | GradientSHAP) -> float:
        found: dict[str, Tensor] = {}
        method.attribute(batch, batch.top(1), found)
        return float(found["completeness_error"].max())

    assert error(IntegratedGradients(steps=60)) < 0.3 * error(IntegratedGradients(steps=2))
    assert error(GradientSHAP(samples=80)) < error(GradientSHAP(samples=2))


def test_uniform_baselines_are_averaged(linear: Batch) -> None:
    targets = linear.top(1)
    maps = IntegratedGradients(steps=1, baseline="uniform", draws=100).attribute(linear, targets)
    form = linear.classifier.form
    grey = (0.5 - torch.tensor(form.mean)) / torch.tensor(form.std)  # the mean of the noise
    slow = weights_of(linear, targets)[:, 0] * (linear.images - grey[:, None, None])
    error = (maps[:, 0] - slow.sum(dim=1)).abs().mean()
    assert float(error) < 0.3 * float(slow.sum(dim=1).abs().mean())


def test_gradient_shap_agrees_with_captums_in_expectation(tiny: Batch) -> None:
    part = tiny.part(0)
    maps = GradientSHAP(samples=400, baseline="black").attribute(part, part.top(1))[0, 0]
    captum = CaptumGradientShap(tiny.classifier.logits)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = black(part.images, part.classifier.form)
        other = captum.attribute(
            part.images.clone().requires_grad_(), start, n_samples=200, target=int(part.predicted)
        )
    other = other.detach()[0].sum(dim=0)
    assert float(torch.corrcoef(torch.stack([maps.flatten(), other.flatten()]))[0, 1]) > 0.97


def test_guided_backprop_only_lets_positive_gradients_pass(tiny: Batch) -> None:
    targets = tiny.top(2)
    maps = GuidedBackprop().attribute(tiny, targets)
    net, image = tiny.classifier.network, tiny.images[:1]
    inputs = [image]
    for index in (0, 2, 4):
        layer = net.features[index]
        before = functional.conv2d(inputs[-1], layer.weight, layer.bias, stride=2, padding=1)
        inputs.append(before.relu())
    for column, target in enumerate(targets[0].tolist()):
        gradient = net.fc.weight[target][None, :, None, None].expand_as(inputs[3]) / 64
        for depth, index in ((3, 4), (2, 2), (1, 0)):
            gradient = gradient.relu() * (inputs[depth] > 0)
            gradient = functional.conv_transpose2d(
                gradient, net.features[index].weight, stride=2, padding=1, output_padding=1
            )
        assert torch.allclose(maps[0, column], gradient[0].abs().amax(dim=0), atol=1e-8)


def test_guided_grad_cam_is_the_product(tiny: Batch) -> None:
    targets = tiny.top(2)
    product = GuidedBackprop().attribute(tiny, targets) * functional.interpolate(
        GradCAM()._maps(tiny, targets, {}).detach().relu(),
        size=(64, 64),
        mode="bilinear",
        align_corners=False,
    )
    assert torch.allclose(GuidedGradCAM().attribute(tiny, targets), product, atol=1e-9)


def test_magnitude_is_the_size_of_the_signed_map(tiny: Batch) -> None:
    targets = tiny.top(2)
    for make in (
        *(DeepLIFT, InputXGradient, LRP),
        partial(IntegratedGradients, steps=4),
        partial(GradientSHAP, samples=4),
    ):
        signed_found: dict[str, Tensor] = {}
        found: dict[str, Tensor] = {}
        maps = make().attribute(tiny, targets, signed_found)
        sizes = make(magnitude=True).attribute(tiny, targets, found)
        assert float(maps.min()) < 0
        assert torch.equal(sizes, maps.abs())
        assert all(torch.equal(found[name], values) for name, values in signed_found.items())
        assert (make().signed, make(magnitude=True).signed) == (True, False)
        assert "magnitude" in make(magnitude=True).label()


def test_deep_lift_follows_the_rescale_rule(tiny: Batch) -> None:
    targets = tiny.top(1)
    maps = DeepLIFT().attribute(tiny, targets)
    net, image = tiny.classifier.network, tiny.images[:1]
    start = black(image, tiny.classifier.form)
    before, after = [], [torch.cat([image, start])]
    for index in (0, 2, 4):
        layer = net.features[index]
        before.append(functional.conv2d(after[-1], layer.weight, layer.bias, stride=2, padding=1))
        after.append(before[-1].relu())
    multiplier = net.fc.weight[int(targets[0])][None, :, None, None].expand(1, -1, 8, 8) / 64
    for depth, index in ((2, 4), (1, 2), (0, 0)):
        z, y = before[depth], after[depth + 1]
        change = z[:1] - z[1:]
        slope = torch.where(change.abs() > 1e-6, (y[:1] - y[1:]) / change, (z[:1] > 0).float())
        multiplier = functional.conv_transpose2d(
            multiplier * slope, net.features[index].weight, stride=2, padding=1, output_padding=1
        )
    slow = ((image - start) * multiplier)[0].sum(dim=0)
    assert torch.allclose(maps[0, 0], slow, atol=1e-5 * float(slow.abs().max()))


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
def test_deep_lift_agrees_with_captum_where_its_hooks_see_every_relu(tiny: Batch) -> None:
    captum = CaptumDeepLift(tiny.classifier.private_copy(), eps=1e-6)
    start = black(tiny.images, tiny.classifier.form)
    targets = tiny.top(2)
    maps = DeepLIFT().attribute(tiny, targets)
    for column in range(2):
        leaves = tiny.images.clone().requires_grad_()
        other = captum.attribute(leaves, start, targets[:, column]).sum(dim=1).detach()
        assert torch.allclose(maps[:, column], other, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize("baseline", ["black", "mean", "blurred"])
def test_deep_lift_is_complete_on_residual_networks_with_overlapping_pooling(
    tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch, baseline: str
) -> None:
    batch = tiny_batch(tiny_resnet_classifier)
    found: dict[str, Tensor] = {}
    DeepLIFT(baseline=baseline).attribute(batch, batch.top(3), found)
    assert float(found["completeness_error"].max()) < 1e-5


def test_saliency_agrees_with_captum_on_the_network_itself(tiny: Batch) -> None:
    captum = CaptumSaliency(tiny.classifier.network)
    other = captum.attribute(tiny.images.clone().requires_grad_(), tiny.predicted)
    maps = Saliency().attribute(tiny, tiny.top(1))
    assert torch.allclose(maps[:, 0], other.amax(dim=1), rtol=1e-5)


def test_baselines_are_what_they_say(tiny: Batch) -> None:
    form = tiny.classifier.form
    mean, std = torch.tensor(form.mean), torch.tensor(form.std)

    def shown(images: Tensor) -> Tensor:
        return images * std[:, None, None] + mean[:, None, None]

    assert torch.allclose(shown(black(tiny.images, form)), torch.zeros(1), atol=1e-6)
    flat = mean_colour(tiny.images)
    assert torch.allclose(flat[:, :, 5, 9], tiny.images.mean(dim=(2, 3)))
    assert float(flat.std(dim=(2, 3)).max()) < 1e-5
    soft = blurred(tiny.images)
    assert float(soft.std()) < float(tiny.images.std())
    assert torch.allclose(soft.mean(), tiny.images.mean(), atol=0.1)
