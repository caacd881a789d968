"""Rewritten copies compute what the model computes, and show Captum what it must see."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from tests.conftest import picture, seeded
from xai_core.images.reading import InputFormat
from xai_core.methods import Method
from xai_core.methods._activations import (
    PIECEWISE_LINEAR,
    PairwiseMaxPool,
    guided_copy,
)
from xai_core.methods._cam import feature_cam
from xai_core.methods._rewrite import beyond, capped_relu, operations, rewritten, stage_module
from xai_core.methods.deep_lift import DeepLIFT, rescale_copy
from xai_core.methods.grad_cam import GradCAM
from xai_core.methods.guided_backprop import GuidedBackprop
from xai_core.methods.lrp import LRP
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def made(architecture: str) -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.get_model(architecture, weights=None, num_classes=5)
        for module in network.modules():  # so that ReLU6 reaches its top
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 2.0, 4.0)
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight)
    return Classifier.of(
        network, tuple("abcde"), name=architecture, form=InputFormat(size=64, resize=72)
    )


@pytest.mark.parametrize("architecture", ["mobilenet_v2", "squeezenet1_0"])
def test_copies_compute_the_same_from_the_same_weights(architecture: str) -> None:
    classifier = made(architecture)
    batch = Batch.of(classifier, [picture(0)])
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    for make in (guided_copy, rescale_copy):
        network = make(classifier)
        assert torch.allclose(network(batch.images), batch.logits, rtol=1e-4)
        relus = [m for m in network.modules() if type(m) in (nn.ReLU, nn.ReLU6)]
        assert relus
        assert not any(relu.inplace or type(relu) is nn.ReLU6 for relu in relus)
    after = classifier.network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    ours = {p.data_ptr() for p in classifier.network.parameters()}
    assert {p.data_ptr() for p in guided_copy(classifier).parameters()} <= ours


def test_stock_mobilenet_is_explained_and_complete() -> None:
    batch = Batch.of(made("mobilenet_v2"), [picture(0)])
    found: dict[str, torch.Tensor] = {}
    DeepLIFT().attribute(batch, batch.top(2), found)
    scale = float(batch.logits.abs().max())
    assert float(found["completeness_error"].max()) < 1e-4 * scale
    assert bool(GuidedBackprop().attribute(batch, batch.top(1)).isfinite().all())


def test_relu6_is_a_relu_by_type() -> None:
    values = torch.linspace(-3, 9, 100)
    assert torch.equal(capped_relu()(values), nn.ReLU6()(values))
    assert type(capped_relu()) is nn.ReLU


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("size", "stride", "padding"),
    [(3, 2, 1), (2, 2, 0), (3, 1, 1), (3, 2, 0), (5, 3, 2), (3, 3, 1)],
)
@pytest.mark.parametrize("side", [7, 8, 13])
def test_pairwise_pooling_is_max_pooling(
    side: int, size: int, stride: int, padding: int, ceil_mode: bool
) -> None:
    pool = nn.MaxPool2d(size, stride, padding, ceil_mode=ceil_mode)
    values = torch.randn(2, 3, side, side + 2, generator=torch.Generator().manual_seed(side))
    assert torch.allclose(PairwiseMaxPool(pool)(values), pool(values), atol=1e-6)


def test_operations_name_what_a_method_has_no_rule_for(
    tiny_resnet_classifier: Classifier, transformer_classifier: Classifier
) -> None:
    assert operations(tiny_resnet_classifier) == {
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "add", "AdaptiveAvgPool2d", "flatten"),
        "Linear",
    }
    assert beyond(tiny_resnet_classifier, "DeepLIFT", PIECEWISE_LINEAR) is None
    reason = beyond(transformer_classifier, "DeepLIFT", PIECEWISE_LINEAR)
    assert reason is not None
    assert "GELU, LayerNorm, MultiheadAttention" in reason


def test_a_copy_is_made_once_and_dropped_after_an_error(tiny_classifier: Classifier) -> None:
    with rewritten(tiny_classifier, guided_copy) as first:
        pass
    with rewritten(tiny_classifier, guided_copy) as second:
        assert second is first

    def fail() -> None:
        with rewritten(tiny_classifier, guided_copy):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with rewritten(tiny_classifier, guided_copy) as third:
        assert third is not first


class ModuleNetwork(nn.Module):
    """Padding, convolution and a linear layer as modules."""

    def __init__(self) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d((1, 2, 0, 1))
        self.conv = nn.Conv2d(3, 6, 3, stride=2)
        self.second = nn.Conv2d(6, 8, 3, padding=1, groups=2, bias=False)
        self.fc = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grid = functional.relu(self.conv(self.pad(images)))
        grid = functional.relu(self.second(grid))
        return self.fc(functional.adaptive_avg_pool2d(grid, 1).flatten(1))


class WrittenOut(ModuleNetwork):
    """The same from the same weights, all as functions."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grid = functional.pad(images, (1, 2, 0, 1))
        grid = functional.conv2d(grid, self.conv.weight, self.conv.bias, stride=2)
        grid = functional.relu(grid)
        grid = functional.conv2d(grid, self.second.weight, padding=1, groups=2)
        grid = functional.adaptive_avg_pool2d(functional.relu(grid), 1).flatten(1)
        return functional.linear(grid, self.fc.weight, self.fc.bias)


class Computed(ModuleNetwork):
    """Its last weights depend on the image, so it is no model of linear layers and ReLUs."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grid = functional.relu(self.conv(functional.pad(images, (1, 1, 1, 1), value=0.5)))
        mean = functional.adaptive_avg_pool2d(functional.relu(self.second(grid)), 1).flatten(1)
        return functional.linear(mean, self.fc.weight) + functional.linear(mean, mean)[:, :1]


def small(make: type[nn.Module]) -> Classifier:
    return Classifier.of(
        seeded(make), tuple("abcde"), name="small", form=InputFormat(size=64, resize=72)
    )


@pytest.mark.parametrize(
    "method", [DeepLIFT(), LRP(), LRP(early=0.0), GuidedBackprop()], ids=lambda m: m.spec()
)
def test_functions_are_explained_like_the_modules_they_stand_for(method: Method) -> None:
    maps, found = [], []
    for make in (ModuleNetwork, WrittenOut):
        batch = Batch.of(small(make), [picture(0), picture(1)])
        diagnostics: dict[str, torch.Tensor] = {}
        maps.append(method.attribute(batch, batch.top(2), diagnostics))
        found.append(diagnostics)
    assert float(maps[0].abs().max()) > 0
    assert torch.allclose(*maps, rtol=1e-5, atol=1e-6 * float(maps[0].abs().max()))
    for errors in found:
        for name in ("completeness_error", "conservation_error"):
            assert float(errors.get(name, torch.zeros(1)).max()) < 1e-5


def test_functions_with_more_than_stored_weights_are_named() -> None:
    classifier = small(Computed)
    assert {"linear", "linear by computed weights", "pad with a value"} <= operations(classifier)
    reason = beyond(classifier, "DeepLIFT", PIECEWISE_LINEAR)
    assert reason is not None
    assert "no rule for linear by computed weights in small" in reason
    refused = LRP().unfit(classifier)
    assert refused is not None
    assert "pad with a value" in refused


class FunctionalNetwork(nn.Module):
    """Its last feature maps come from a function, as densenet's do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=4)
        self.fc = nn.Linear(6, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grid = functional.relu(self.conv(images), inplace=True)
        return self.fc(functional.adaptive_avg_pool2d(grid, (1, 1)).flatten(1))


def test_a_stage_computed_by_a_function_gets_a_module() -> None:
    classifier = Classifier.of(
        seeded(FunctionalNetwork), tuple("abcde"), form=InputFormat(size=64, resize=72)
    )
    assert classifier.stage == "relu"
    batch = Batch.of(classifier, [picture(0)])
    seen = []
    with stage_module(classifier) as (network, module):
        handle = module.register_forward_hook(lambda m, inputs, output: seen.append(output))
        logits = network(batch.images)
        handle.remove()
    assert torch.allclose(seen[0], batch.activations, atol=1e-5)
    assert torch.allclose(logits, batch.logits, rtol=1e-5)
    grad_cam = GradCAM()._maps(batch, batch.top(2), {}) * seen[0][0, 0].numel()
    assert torch.allclose(grad_cam, feature_cam(batch, batch.top(2)), atol=1e-5)


class BiasedByRelu(nn.Module):
    """Its only ReLU makes a bias out of weights, as SwinV2's do: no gradient passes it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4)
        self.bias = nn.Parameter(torch.randn(1, 4, 1, 1))
        self.fc = nn.Linear(4, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grid = torch.tanh(self.conv(images) + torch.relu(self.bias))
        return self.fc(grid.mean((2, 3)))


def test_a_relu_that_does_not_see_the_image_is_none_for_the_rules() -> None:
    classifier = Classifier.of(
        seeded(BiasedByRelu), tuple("abcde"), form=InputFormat(size=64, resize=72)
    )
    assert "ReLU" not in operations(classifier)
    reason = GuidedBackprop().unfit(classifier)
    assert reason is not None
    assert "has none, so it would be the plain gradient" in reason
