"""The quick copy gives the model's own logits, or there is none."""

import copy
import random

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from tests.conftest import seeded
from xai_core.images.reading import InputFormat
from xai_core.models.classifier import Classifier
from xai_core.models.inference import quick_copy
from xai_core.models.loading import load_classifier

SIZE = 64
FUSED = {
    "resnet18": 1.0,
    "resnet50": 1.0,
    "mobilenet_v2": 1.0,
    "mobilenet_v3_small": 1.0,
    "vgg11_bn": 1.0,
    "densenet121": 0.4,  # batch norm comes before most of its convolutions
    "efficientnet_b0": 1.0,
    "shufflenet_v2_x0_5": 1.0,
}


def trained(network: nn.Module) -> nn.Module:
    """Batch norm with statistics and factors as training leaves them."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in (
                (module.running_mean, -0.2),
                (module.running_var, 0.5),
                (module.weight.data, 0.6),
                (module.bias.data, -0.2),
            ):
                assert tensor is not None
                tensor.copy_(low + torch.rand(tensor.shape, generator=generator))
    return network.eval().requires_grad_(False)


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("architecture", FUSED)
def test_same_logits_on_other_images_with_fewer_steps(architecture: str) -> None:
    torch.manual_seed(0)
    network = trained(torchvision.models.get_model(architecture, weights=None))
    before = copy.deepcopy(network.state_dict())
    quick = quick_copy(network, torch.rand(2, 3, SIZE, SIZE))
    assert quick is not None
    assert norms(quick) <= (1 - FUSED[architecture]) * norms(network)
    images = torch.randn(5, 3, SIZE, SIZE)
    with torch.inference_mode():
        expected, found = network(images), quick(images)
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


class Residual(nn.Module):
    """Sums in every order, an activation in place, a convolution called twice, uses after a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.twice = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.left, self.right = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding="same")
        self.norm, self.relu = nn.BatchNorm2d(8), nn.ReLU(inplace=True)
        self.head = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        start = self.first(images)
        branch = self.relu(self.norm(self.twice(self.relu(start + 0.1))))
        branch = self.twice(branch)
        total = start + self.left(branch)
        other = total + self.right(self.relu(total.clone()))
        doubled = other + other
        out = self.left(self.relu(doubled)) + total
        return self.head((self.relu(out) - out).mean(dim=(2, 3)))


def test_unusual_connections_are_kept() -> None:
    torch.manual_seed(1)
    network = trained(Residual())
    quick = quick_copy(network, torch.rand(2, 3, 16, 16))
    assert quick is not None
    images = torch.randn(4, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(quick(images), network(images), rtol=1e-4, atol=1e-5)


class Branching(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)) if images.mean() > 0 else images.amax((2, 3))


class Unsteady(nn.Module):
    """Gives something else at every call."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)) * random.random()


@pytest.mark.parametrize("network", [Branching(), Unsteady()], ids=["untraceable", "unsteady"])
def test_none_where_it_cannot_be_right(network: nn.Module) -> None:
    assert quick_copy(network.eval(), torch.rand(2, 3, 8, 8)) is None


def test_a_classifier_has_one_for_gradients_and_one_without(
    tiny_resnet_classifier: Classifier,
) -> None:
    classifier = tiny_resnet_classifier
    images = torch.randn(3, 3, classifier.form.size, classifier.form.size)
    with torch.no_grad():
        quick, expected = classifier.logits(images), classifier.network(images)
    torch.testing.assert_close(quick, expected, rtol=1e-4, atol=1e-5)
    assert classifier._quick(True) is not classifier._quick(False)
    gradients = []
    for forward in (classifier.logits, classifier.network):
        pixels = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(forward(pixels)[:, 1].sum(), pixels)
        gradients.append(gradient)
    assert float(gradients[1].abs().max()) > 0
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_orchards_network_is_quick() -> None:
    classifier = load_classifier("orchard")
    size = classifier.form.size
    with torch.inference_mode():
        images = torch.randn(2, 3, size, size)
        expected = classifier.network(images)
        found = classifier.logits(images)
    assert classifier._quick(False) is not classifier.network
    assert float((found - expected).abs().max()) < 1e-5 * float(expected.abs().max())


class Viewing(nn.Module):
    """Wants contiguous values behind a convolution, as `view` does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.fc = nn.Linear(8 * 4 * 4, 5)

    def forward(self, images: Tensor) -> Tensor:
        seen = functional.adaptive_avg_pool2d(self.norm(self.conv(images)).relu(), 4)
        return self.fc(seen.view(images.size(0), -1))


def test_a_model_that_views_has_one_for_gradients_and_nothing_is_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    form = InputFormat(size=32, resize=36)
    classifier = Classifier.of(seeded(Viewing), tuple("abcde"), name="views", form=form)
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        quick, expected = classifier.logits(images), classifier.network(images)
    assert classifier._quick(True) is not classifier.network
    torch.testing.assert_close(quick, expected, rtol=1e-4, atol=1e-5)
    assert capfd.readouterr().err == ""
