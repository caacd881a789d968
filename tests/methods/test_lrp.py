"""LRP: the rewritten copy computes the same, and relevance is never lost unseen."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from tests.conftest import picture
from xai_core.images.reading import InputFormat
from xai_core.methods import lrp as lrp_module
from xai_core.methods._relevance import relevance_copy
from xai_core.methods.input_x_gradient import InputXGradient
from xai_core.methods.lrp import LRP
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


def random_network(architecture: str, *, biases: bool) -> Classifier:
    """A torchvision model with random weights and batch norms that do something, or no bias."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.get_model(architecture, weights=None, num_classes=5)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_var, 0.7, 1.3)
                if biases:
                    nn.init.uniform_(module.bias, -0.1, 0.1)
                    nn.init.uniform_(module.running_mean, -0.1, 0.1)
            elif not biases and getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)
    return Classifier.of(
        network, tuple("abcde"), name=architecture, form=InputFormat(size=64, resize=72)
    )


def batch_of(classifier: Classifier) -> Batch:
    return Batch.of(classifier, [picture(0), picture(1)])


@pytest.mark.parametrize(
    ("architecture", "early"), [("resnet18", 0.0), ("resnet18", 0.5), ("resnet50", 0.5)]
)
def test_without_biases_the_relevance_sums_to_the_logit(architecture: str, early: float) -> None:
    batch = batch_of(random_network(architecture, biases=False))
    targets = batch.top(2)
    found: dict[str, Tensor] = {}
    sums = LRP(early=early).attribute(batch, targets, found).sum(dim=(2, 3))
    assert torch.allclose(sums / batch.logits.gather(1, targets), torch.ones(1), atol=1e-3)
    assert float(found["bias_share"].abs().max()) == 0


@pytest.mark.parametrize(
    ("architecture", "early"),
    [
        *(("resnet18", 0.5), ("resnet50", 0.5), ("squeezenet1_0", 0.0), ("mnasnet0_5", 0.5)),
        *(("shufflenet_v2_x0_5", 0.0), ("mobilenet_v2", 0.0), ("mobilenet_v2", 0.5)),
    ],
)
def test_relevance_and_the_biases_share_are_the_logit(architecture: str, early: float) -> None:
    batch = batch_of(random_network(architecture, biases=True))
    targets = batch.top(2)
    found: dict[str, Tensor] = {}
    sums = LRP(early=early).attribute(batch, targets, found).sum(dim=(2, 3))
    logits = batch.logits.gather(1, targets)
    scale = float(logits.abs().max())
    assert torch.allclose(sums + found["bias_share"], logits, atol=1e-3 * scale)
    assert float(found["conservation_error"].max()) < 1e-3 * scale


@pytest.mark.parametrize("architecture", ["resnet18", "densenet121"])
def test_the_rewritten_copy_computes_the_same(architecture: str) -> None:
    classifier = random_network(architecture, biases=True)
    batch = batch_of(classifier)
    with torch.no_grad():
        logits = relevance_copy(classifier)(batch.images)
    assert torch.allclose(logits, batch.logits, atol=1e-5 * float(batch.logits.abs().max()))


def test_the_copy_has_weights_of_its_own(tiny_resnet_classifier: Classifier) -> None:
    ours = {p.data_ptr() for p in tiny_resnet_classifier.network.parameters()}
    theirs = {p.data_ptr() for p in relevance_copy(tiny_resnet_classifier).parameters()}
    assert not ours & theirs


def test_a_copy_that_computes_something_else_is_refused(
    tiny_classifier: Classifier, tiny_batch: MakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(classifier: Classifier) -> nn.Module:
        network = relevance_copy(classifier)
        for parameter in network.parameters():
            parameter.data *= 1.1
        return network

    monkeypatch.setattr(lrp_module, "relevance_copy", wrong)
    batch = tiny_batch(tiny_classifier)
    with pytest.raises(ValueError, match="LRP cannot explain tiny: its rewritten"):
        LRP().attribute(batch, batch.top(1))


def test_epsilon_everywhere_is_input_times_gradient_on_relu_networks(
    tiny_resnet_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_resnet_classifier)
    maps = LRP(early=0.0, epsilon=1e-9).attribute(batch, batch.top(2))
    other = InputXGradient().attribute(batch, batch.top(2))
    assert torch.allclose(maps, other, atol=1e-4 * float(other.abs().max()))


def test_positive_weights_in_the_early_layers_follow_the_rule(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    net, target = tiny_classifier.network, int(batch.predicted[0])
    layers = [net.features[0], net.features[2], net.features[4]]
    inputs = [batch.images[:1].double()]
    for layer in layers:
        z = functional.conv2d(
            inputs[-1], layer.weight.double(), layer.bias.double(), stride=2, padding=1
        )
        inputs.append(z.relu())
    pooled = inputs[3].mean(dim=(2, 3), keepdim=True)
    relevance = net.fc.weight[target].double()[None, :, None, None] * pooled
    relevance = relevance * inputs[3] / (pooled * 64).clamp(min=1e-30)
    # early=0.7 of three convolutions: the second is positive, the first and the last are not
    for depth in (2, 1, 0):
        weight, bias = layers[depth].weight.double(), layers[depth].bias.double()
        if depth == 1:
            weight, bias = weight.clamp(min=0), torch.zeros_like(bias)
        z = functional.conv2d(inputs[depth], weight, bias, stride=2, padding=1)
        ratio = torch.where(z.abs() > 0, relevance / (z + 1e-6 * z.sign()), 0)
        back = functional.conv_transpose2d(ratio, weight, stride=2, padding=1, output_padding=1)
        relevance = inputs[depth] * back
    maps = LRP(early=0.7).attribute(batch, torch.full((4, 1), target))
    slow = relevance[0].sum(dim=0)
    assert float((maps[0, 0] - slow).abs().max()) < 1e-3 * float(slow.abs().max())


def test_what_cannot_be_right_is_refused_with_what_works() -> None:
    network = copy.deepcopy(torchvision.models.mobilenet_v3_small(weights=None, num_classes=5))
    classifier = Classifier.of(network, tuple("abcde"), name="mobilenet_v3_small")
    reason = LRP().unfit(classifier)
    assert reason is not None
    assert "LRP has no rule for Hardsigmoid, Hardswish, product in mobilenet_v3_small" in reason
    assert "resnet50" in reason
