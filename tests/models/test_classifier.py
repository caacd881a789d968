"""Which models have a CAM head, what a stage gives, and that threads share nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from xai_core.images.reading import InputFormat
from xai_core.methods._cam import feature_cam
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.torchvision_networks import build_network

NAMES = tuple("abcd")
SMALL = InputFormat(size=64, resize=72)


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def made(architecture: str, form: InputFormat = SMALL, **arguments: Any) -> Classifier:
    """A torchvision model with random weights, its last layer far from zero."""

    def build() -> nn.Module:
        network = build_network(architecture, len(NAMES), **arguments)
        last = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1]
        nn.init.normal_(last.weight, std=0.1)
        if last.bias is not None:
            nn.init.normal_(last.bias, std=0.1)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):  # statistics of real activations
                module.momentum = 1.0
        network.train()(pictures(4, form.size))
        return network

    return Classifier.of(seeded(build), NAMES, name=architecture, form=form)


def pictures(count: int, size: int = 64) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def rebuilt_error(classifier: Classifier, images: Tensor) -> float:
    """Largest |mean over the grid of sum_k w_k f_k + b - logit|, written out in float64."""
    assert classifier.head is not None
    activations, logits = classifier.stage_and_logits(images)
    maps = torch.einsum("ck,nkij->ncij", classifier.head.weight.double(), activations.double())
    rebuilt = maps.mean(dim=(2, 3)) + classifier.head.bias.double()
    return float((rebuilt - logits).abs().max())


WITH_HEAD = [
    ("resnet18", 64), ("densenet121", 64), ("mobilenet_v2", 64), ("regnet_y_400mf", 64),
    ("efficientnet_b0", 64), ("googlenet", 64), ("inception_v3", 107), ("mnasnet0_5", 64),
    ("shufflenet_v2_x0_5", 64), ("swin_t", 64),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "size"), WITH_HEAD)
def test_networks_that_pool_globally_before_one_linear_layer_have_a_cam_head(
    architecture: str, size: int
) -> None:
    classifier = made(architecture, InputFormat(size=size, resize=size))
    images = pictures(2, size)
    assert classifier.head is not None
    assert rebuilt_error(classifier, images) < 1e-4
    torch.testing.assert_close(
        classifier.stage_and_logits(images)[1], classifier.network(images), rtol=1e-4, atol=1e-5
    )


WITHOUT_HEAD: list[tuple[str, dict[str, Any]]] = [
    ("alexnet", {}), ("vgg11", {}), ("mobilenet_v3_small", {}), ("convnext_tiny", {}),
    ("vit_b_32", {"image_size": 64}),
]  # fmt: skip


@pytest.mark.parametrize(("architecture", "arguments"), WITHOUT_HEAD)
def test_other_heads_are_no_cam_head(architecture: str, arguments: dict[str, Any]) -> None:
    classifier = made(architecture, **arguments)
    assert classifier.head is None
    assert classifier.stage in classifier.stages


def test_where_channels_are_the_classes_the_map_is_the_channel() -> None:
    """SqueezeNet: the mean of a class's channel is its logit, so the channel is the exact CAM."""
    classifier = made("squeezenet1_1", InputFormat(size=96, resize=96))
    images = pictures(2, 96)
    seen: list[Tensor] = []
    network = classifier.private_copy()
    handle = network.classifier[2].register_forward_hook(lambda *given: seen.append(given[2]))
    logits = network(images)
    handle.remove()
    batch = Batch(classifier, images, ["0" * 64, "1" * 64])
    targets = torch.tensor([[0, 3], [2, 1]])
    maps = feature_cam(batch, targets)
    for image, row in enumerate(targets.tolist()):
        torch.testing.assert_close(maps[image], seen[0][image, row], rtol=0, atol=1e-6)
    torch.testing.assert_close(maps.mean(dim=(2, 3)), logits.gather(1, targets), rtol=0, atol=1e-5)
    other = classifier.rebuilt(classifier.private_copy())  # as when weights are randomised
    again = feature_cam(Batch(other, images, ["0" * 64, "1" * 64]), targets)
    torch.testing.assert_close(again, maps, rtol=0, atol=1e-6)


class NormBeforeLinear(nn.Module):
    """The head of ConvNeXt in small: global pooling, then a norm, then one Linear layer."""

    def __init__(self, weight: float, bias: float, norm: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.ReLU())
        self.norm = nn.LayerNorm(8) if norm else nn.Identity()
        self.fc = nn.Linear(8, 4)
        nn.init.normal_(self.fc.weight, std=weight)
        nn.init.constant_(self.fc.bias, bias)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.norm(self.features(images).mean((2, 3))))


@pytest.mark.parametrize("weight", [1e-4, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("bias", [0.0, 1.0])
@pytest.mark.parametrize("norm", [True, False])
def test_the_scale_of_the_head_does_not_decide(weight: float, bias: float, norm: bool) -> None:
    network = seeded(lambda: NormBeforeLinear(weight, bias, norm))
    classifier = Classifier.of(network, NAMES, form=SMALL)
    assert (classifier.head is None) is norm


def test_a_network_that_dims_its_activations_is_judged_like_any_other() -> None:
    for norm in (False, True):
        network = seeded(lambda norm=norm: NormBeforeLinear(0.1, 1.0, norm))  # type: ignore[misc]
        with torch.no_grad():
            network.features[0].weight.mul_(1e-14)
            network.features[0].bias.zero_()
        classifier = Classifier.of(network, NAMES, form=SMALL)
        assert (classifier.head is None) is norm


def test_a_head_of_zeros_proves_nothing() -> None:
    network = seeded(lambda: NormBeforeLinear(0.0, 1.0, False))
    assert Classifier.of(network, NAMES, form=SMALL).head is None


def hooked(network: nn.Module, module: nn.Module, images: Tensor) -> Tensor:
    """What a plain forward hook sees leave the module (its last use)."""
    seen: list[Tensor] = []
    handle = module.register_forward_hook(lambda _, __, output: seen.append(output.clone()))
    try:
        network(images)
    finally:
        handle.remove()
    return seen[-1]


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v2", "efficientnet_b0"])
def test_every_stage_is_what_its_module_gives(architecture: str) -> None:
    classifier = made(architecture)
    images = pictures(2)
    chosen = classifier.stages if architecture == "resnet18" else classifier.stages[::3]
    assert len(chosen) >= 3
    for stage in chosen:
        activations, logits = classifier.stage_and_logits(images, stage)
        network = classifier.private_copy()
        expected = hooked(network, classifier.module_of(network, stage), images)
        torch.testing.assert_close(activations, expected, msg=f"{architecture} {stage}")
        torch.testing.assert_close(logits, classifier.network(images))


class ListOfStages(nn.Module):
    """Its stages stand in a ModuleList of its body and are called one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.body = nn.Module()
        self.body.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True)) for _ in range(3)
        )
        self.fc = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        grid = self.stem(images)
        for stage in self.body.stages:
            grid = stage(grid)
        return self.fc(grid.mean((2, 3)))


def test_each_module_of_a_list_is_a_stage() -> None:
    classifier = Classifier.of(
        seeded(ListOfStages), ("a", "b"), form=InputFormat(size=32, resize=36)
    )
    lists = [f"body.stages.{index}" for index in range(3)]
    assert classifier.stages == ("stem", *lists)
    assert classifier.head is not None
    images = torch.rand(2, 3, 32, 32)
    grid = classifier.network.stem(images)
    for name, stage in zip(lists, classifier.network.body.stages, strict=True):
        grid = stage(grid)
        assert torch.allclose(classifier.stage_and_logits(images, name)[0], grid, atol=1e-6)


def test_a_stage_of_many_blocks_is_one_stage() -> None:
    network = seeded(lambda: ResNet(BasicBlock, [1, 1, 13, 1], num_classes=4))
    classifier = Classifier.of(network, NAMES, form=SMALL)
    assert [stage for stage in classifier.stages if stage.startswith("layer")] == [
        "layer1", "layer2", "layer3", "layer4",
    ]  # fmt: skip
    images = pictures(1)
    copy = classifier.private_copy()
    torch.testing.assert_close(
        classifier.stage_and_logits(images, "layer3")[0], hooked(copy, copy.layer3, images)
    )


def test_the_rest_of_the_network_continues_from_any_stage(
    tiny_resnet_classifier: Classifier,
) -> None:
    images, other = pictures(2), pictures(4)[2:]
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        activations, logits = tiny_resnet_classifier.stage_and_logits(images, stage)
        torch.testing.assert_close(
            tiny_resnet_classifier.logits_from(activations, other, stage), logits
        )


def test_an_unknown_stage_lists_the_known_ones(tiny_classifier: Classifier) -> None:
    known = ", ".join(tiny_classifier.stages)
    with pytest.raises(ValueError, match=f"tiny has no stage 'layer9'; it has: {known}"):
        tiny_classifier.stage_and_logits(pictures(1), "layer9")


def test_threads_never_mix_activations(tiny_classifier: Classifier) -> None:
    images = pictures(45)
    expected = [
        tuple(tensor.clone() for tensor in tiny_classifier.stage_and_logits(images[i : i + 1]))
        for i in range(45)
    ]
    fresh = Classifier.of(
        tiny_classifier.private_copy(), tiny_classifier.categories, form=tiny_classifier.form
    )
    wrong: list[int] = []
    together = threading.Barrier(4)

    def explain(numbers: range) -> None:
        together.wait()
        for i in numbers:
            found = fresh.stage_and_logits(images[i : i + 1])
            if not all(map(torch.equal, found, expected[i])):
                wrong.append(i)

    def hook() -> None:
        together.wait()
        for _ in range(15):
            with fresh.exclusive() as network:
                module = fresh.module_of(network)
                handle = module.register_forward_hook(lambda _, __, output: output * 0 + 7)
                network(images[:1])
                handle.remove()

    threads = [threading.Thread(target=explain, args=(range(n, 45, 3),)) for n in range(3)]
    threads.append(threading.Thread(target=hook))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def hook_count(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def test_hooks_on_the_exclusive_copy_are_met_nowhere_else(tiny_classifier: Classifier) -> None:
    images = pictures(2)
    before = [tensor.clone() for tensor in tiny_classifier.stage_and_logits(images)]
    with tiny_classifier.exclusive() as network:
        assert network is not tiny_classifier.network
        module = tiny_classifier.module_of(network)
        handle = module.register_forward_hook(lambda _, __, output: output * 0)
        bias = tiny_classifier.head.bias.expand(2, -1)  # type: ignore[union-attr]
        torch.testing.assert_close(network(images), bias)
        assert torch.equal(tiny_classifier.logits(images), before[1])
        assert all(map(torch.equal, tiny_classifier.stage_and_logits(images), before))
        handle.remove()
    assert hook_count(tiny_classifier.network) == 0


def test_copies_share_the_memory_of_the_weights(tiny_resnet_classifier: Classifier) -> None:
    own = tiny_resnet_classifier.network.state_dict()
    with tiny_resnet_classifier.exclusive() as network:
        copied = network.state_dict()
    private = tiny_resnet_classifier.private_copy().state_dict()
    assert list(own) == list(copied) == list(private)
    for name, tensor in own.items():
        assert tensor.data_ptr() == copied[name].data_ptr() == private[name].data_ptr()


def test_the_exclusive_copy_is_kept_but_not_after_an_error(tiny_classifier: Classifier) -> None:
    with tiny_classifier.exclusive() as first:
        pass
    with tiny_classifier.exclusive() as again:
        assert again is first

    def leave_a_hook_behind() -> None:
        with tiny_classifier.exclusive() as broken:
            tiny_classifier.module_of(broken).register_forward_hook(lambda *_: None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave_a_hook_behind()
    with tiny_classifier.exclusive() as clean:
        assert clean is not first
        assert hook_count(clean) == 0


def test_the_network_is_frozen_and_in_evaluation_mode(tiny_resnet_classifier: Classifier) -> None:
    network = tiny_resnet_classifier.network
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(AttributeError):
        tiny_resnet_classifier.name = "other"  # type: ignore[misc]


def test_the_fingerprint_is_of_every_weight_and_buffer() -> None:
    def fingerprint(change: Callable[[ResNet], object] = lambda _: None) -> str:
        network = seeded(lambda: ResNet(BasicBlock, [1, 1, 1, 1], num_classes=4))
        with torch.no_grad():
            change(network)  # type: ignore[arg-type]
        return Classifier.of(network, NAMES, form=SMALL).fingerprint

    plain = fingerprint()
    assert plain == fingerprint()
    assert len(plain) == 64
    changes: list[Callable[[ResNet], object]] = [
        lambda network: network.conv1.weight[0, 0, 0, 0].add_(1e-6),
        lambda network: network.layer4[0].bn2.running_var[0].add_(1e-3),
        lambda network: network.fc.bias[3].add_(1e-6),
    ]
    assert len({plain, *map(fingerprint, changes)}) == 4


@pytest.mark.parametrize("names", [3, 5])
def test_another_number_of_categories_is_refused(names: int) -> None:
    network = seeded(lambda: NormBeforeLinear(1.0, 0.0, False))
    with pytest.raises(ValueError, match=f"the model has 4 outputs but {names} category names"):
        Classifier.of(network, NAMES[:3] + ("x",) * (names - 3), form=SMALL)


def test_a_network_without_a_grid_is_a_black_box() -> None:
    network = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 4)))
    classifier = Classifier.of(network, NAMES, form=SMALL)
    assert (classifier.way, classifier.stages, classifier.stage) == ("black box", (), "")
    images = pictures(2)
    torch.testing.assert_close(classifier.logits(images), network(images))


def test_a_picture_is_prepared_at_the_networks_size(tiny_classifier: Classifier) -> None:
    rgb = np.full((30, 50, 3), (255, 0, 128), dtype=np.uint8)
    prepared = tiny_classifier.prepare(rgb)
    assert prepared.shape == (3, 64, 64)
    form = tiny_classifier.form
    for channel, value in enumerate((1.0, 0.0, 128 / 255)):
        expected = (value - form.mean[channel]) / form.std[channel]
        assert prepared[channel].numpy() == pytest.approx(expected, abs=1e-5)
