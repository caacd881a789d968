"""Models of timm, transformers, TorchScript, ONNX and Python files, with random weights.

What is right is known: torch's own logits, and a map that follows a bright square in the image.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.conftest import TinyNetwork, picture, seeded
from xai_core.__main__ import main
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier
from xai_core.models.model_description import Description
from xai_core.models.sources.describing import of
from xai_core.models.torchvision_networks import build_network

MOVED = 0.02
"""How far the middle of a map's change moves at least, as a share of the side, for a square
that moves half of it; behind attention every cell sees all of the image, so it moves less."""


class Brought(NamedTuple):
    """How the model is named, the module it was made from, and what is right for it."""

    name: str
    network: nn.Module
    description: Description
    way: str
    layout: str


def from_timm(
    name: str, side: int, way: str, layout: str, **arguments: Any
) -> Callable[[Path], Brought]:
    def make(folder: Path) -> Brought:
        timm = pytest.importorskip("timm", reason="the extra timm is absent")
        sized = {"img_size": side} if name.startswith(("vit", "swin")) else {}
        given = {**arguments, **sized}
        network = seeded(lambda: timm.create_model(name, num_classes=5, **given))
        torch.save(network.state_dict(), folder / "w.pth")
        told = Description(size=(side,), arguments=given)
        return Brought(f"timm:{name}@{folder / 'w.pth'}", network, told, way, layout)

    return make


def from_transformers(kind: str, layout: str, **settings: Any) -> Callable[[Path], Brought]:
    def make(folder: Path) -> Brought:
        transformers = pytest.importorskip("transformers", reason="transformers is absent")
        config = getattr(transformers, f"{kind}Config")(num_labels=5, **settings)
        auto = transformers.AutoModelForImageClassification
        network = seeded(lambda: auto.from_config(config)).eval()
        network.save_pretrained(folder)
        return Brought(f"hf:{folder}", network, Description(size=(96,)), "hooked", layout)

    return make


def scripted(folder: Path) -> Brought:
    network = seeded(TinyNetwork).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(network).save(str(folder / "tiny.pt"))
    return Brought(str(folder / "tiny.pt"), network, Description(size=(64,)), "black box", "")


def exported(folder: Path) -> Brought:
    pytest.importorskip("onnx", reason="onnx is absent")
    pytest.importorskip("onnxruntime", reason="the extra onnxruntime is absent")
    network, file = seeded(TinyNetwork).eval(), str(folder / "tiny.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter without onnxscript is deprecated
        torch.onnx.export(
            network, (torch.zeros(1, 3, 64, 64),), file, input_names=["x"], dynamo=False,
            dynamic_axes={"x": {0: "n"}},
        )  # fmt: skip
    return Brought(file, network, Description(), "black box", "")


def written(folder: Path) -> Brought:
    (folder / "own.py").write_text(
        "from tests.conftest import TinyNetwork, seeded\n"
        "def make():\n    return {'logits': 0} and seeded(TinyNetwork)\n"
    )
    told = Description(size=(64, 96))
    return Brought(
        f"{folder / 'own.py'}:make", seeded(TinyNetwork).eval(), told, "traced", "NCHW"
    )  # fmt: skip


SMALL = {"hidden_sizes": [16, 32, 48, 64], "image_size": 96}
BROUGHT: dict[str, Callable[[Path], Brought]] = {
    "timm resnet50d": from_timm("resnet50d", 128, "traced", "NCHW"),
    "timm convnext_atto": from_timm("convnext_atto", 128, "traced", "NCHW"),
    "timm vit_tiny": from_timm("vit_tiny_patch16_224", 128, "hooked", "tokens (1 + 8 x 8)"),
    "timm swin": from_timm(
        "swin_tiny_patch4_window7_224", 128, "traced", "NHWC",
        embed_dim=24, depths=[1, 1, 2, 1], num_heads=[1, 2, 3, 4], window_size=4,
    ),
    "transformers ResNet": from_transformers(
        "ResNet", "NCHW", embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1],
        layer_type="basic",
    ),
    "transformers ViT": from_transformers(
        "ViT", "tokens (1 + 12 x 12)", hidden_size=48, num_hidden_layers=3, image_size=96,
        num_attention_heads=4, intermediate_size=96, patch_size=8,
    ),
    "transformers ConvNeXt": from_transformers("ConvNext", "NCHW", depths=[1, 1, 2, 1], **SMALL),
    "TorchScript": scripted, "ONNX": exported, "python": written,
}  # fmt: skip


@pytest.fixture(scope="module", params=BROUGHT)
def brought(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Brought, Classifier]:
    made = BROUGHT[request.param](tmp_path_factory.mktemp("brought"))
    made.network.eval()
    return made, load_classifier(made.name, description=made.description)


def plain(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        result: Any = network(images)
    scores: Tensor = getattr(result, "logits", result)
    return scores


def images_for(classifier: Classifier) -> Tensor:
    return torch.randn(2, *classifier.form.shape, generator=torch.Generator().manual_seed(1))


def test_logits_are_torchs(brought: tuple[Brought, Classifier]) -> None:
    made, classifier = brought
    images = images_for(classifier)
    torch.testing.assert_close(
        classifier.logits(images), plain(made.network, images), rtol=0, atol=1e-5
    )
    assert classifier.source == made.name
    count = plain(made.network, images).shape[1]
    assert len(classifier.categories) == count


def test_the_way_and_the_layout_are_the_models(brought: tuple[Brought, Classifier]) -> None:
    made, classifier = brought
    assert classifier.way == made.way
    assert (classifier.layout_of().describe() if classifier.stage else "") == made.layout


def with_squares(classifier: Classifier) -> Tensor:
    """Faint noise, and the same with a bright square upper left, and lower right."""
    channels, height, width = classifier.form.shape
    noise = torch.randn(channels, height, width, generator=torch.Generator().manual_seed(0))
    images = (0.1 * noise).repeat(3, 1, 1, 1)
    for image, (y, x) in zip(images[1:], ((1, 1), (5, 5)), strict=True):
        rows, columns = slice(y * height // 8, (y + 2) * height // 8), slice(
            x * width // 8, (x + 2) * width // 8
        )  # fmt: skip
        image[:, rows, columns] += 3.0
    return images


def middles(changes: Tensor) -> Tensor:
    """Changes (2, H, W), all >= 0 -> the row and column of their middles (2, 2), 0 to 1."""
    shares = changes.double() / changes.double().sum(dim=(1, 2), keepdim=True)
    rows, columns = (torch.linspace(0, 1, side).double() for side in changes.shape[1:])
    return torch.stack([shares.sum(2) @ rows, shares.sum(1) @ columns], dim=1)


def test_maps_follow_a_bright_square(brought: tuple[Brought, Classifier]) -> None:
    made, classifier = brought
    batch = Batch(classifier, with_squares(classifier), [f"{index:064x}" for index in range(3)])
    targets = torch.arange(len(classifier.categories)).expand(3, -1)
    inside = ("saliency",) if classifier.has_gradients else ("occlusion",)
    for method in inside if made.way == "black box" else ("grad_cam", "saliency"):
        maps = METHODS[method]().attribute(batch, targets).detach()
        first, second = middles((maps[1:] - maps[:1]).abs().sum(dim=1))
        moved = f"{method}: {first.tolist()} to {second.tolist()}"
        assert float((second - first).min()) > MOVED, moved


def test_the_users_object_stays_as_it_was(brought: tuple[Brought, Classifier]) -> None:
    made, classifier = brought
    network = made.network.train()
    next(network.parameters()).requires_grad_(True)
    before = [(t.clone(), t.stride(), t.requires_grad, t._version) for t in tensors_of(network)]
    Classifier.of(network, classifier.categories, form=classifier.form)
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks for module in network.modules())
    for tensor, (value, stride, grad, version) in zip(tensors_of(network), before, strict=True):
        assert torch.equal(tensor, value)
        assert (tensor.stride(), tensor.requires_grad, tensor._version) == (stride, grad, version)
    network.eval()


def tensors_of(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def test_what_a_model_supports_is_listed_with_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = scripted(tmp_path)
    assert main(["list", "--classifier", made.name, "--size", "64"]) == 0
    lines = capsys.readouterr().out.splitlines()
    classifier = load_classifier(made.name, description=made.description)
    for name, kind in METHODS.items():
        reason = kind().unfit(classifier)
        told = f"not supported: {reason}" if reason else "supported"
        assert f"  {name}: {told}" in lines
    assert "  lime: supported" in lines
    assert any(line.startswith("  lrp: not supported: ") for line in lines)
    told = of(classifier).rows
    assert [f"{heading}: {words}" for heading, words in told] == lines[: len(told)]
    assert any("3 channels, 64 x 64 px" in line for line in lines)


def settled(network: nn.Module) -> nn.Module:
    """With batch norm's statistics of noise; else a random model gives next to nothing."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
        network.get_submodule("fc").weight.mul_(0.1)  # logits of about 1, so 1e-5 is rounding
    return network.eval()


def test_transform_input_is_part_of_the_model(tmp_path: Path) -> None:
    network = settled(seeded(lambda: build_network("googlenet", 5, transform_input=True)))
    other = build_network("googlenet", 5, transform_input=False).eval()
    other.load_state_dict(network.state_dict())
    torch.save(network.state_dict(), tmp_path / "w.pth")
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    assert float((plain(network, images) - plain(other, images)).abs().max()) > 1e-3

    def loaded(**arguments: Any) -> Tensor:
        told = Description(size=(64,), arguments=arguments)
        return load_classifier(f"googlenet@{tmp_path / 'w.pth'}", description=told).logits(images)

    for found, right in ((loaded(), network), (loaded(transform_input=False), other)):
        torch.testing.assert_close(found, plain(right, images), rtol=0, atol=1e-5)


def test_an_input_that_is_no_square(tmp_path: Path) -> None:
    network = seeded(lambda: build_network("shufflenet_v2_x0_5", 3)).eval()
    torch.save(network.state_dict(), tmp_path / "w.pth")
    told = Description(size=(64, 128))
    classifier = load_classifier(
        tmp_path / "w.pth", architecture="shufflenet_v2_x0_5", description=told
    )
    assert classifier.form == InputFormat(64, round(256 * 64 / 224), width=128)
    images = images_for(classifier)
    assert images.shape == (2, 3, 64, 128)
    torch.testing.assert_close(classifier.logits(images), plain(network, images), rtol=0, atol=1e-5)
    maps = METHODS["cam"]().attribute(Batch(classifier, images, ["0" * 64, "1" * 64]),
                                      torch.zeros(2, 1, dtype=torch.long))  # fmt: skip
    assert maps.shape == (2, 1, 64, 128)
    assert classifier.head is not None
    torch.testing.assert_close(
        maps.mean(dim=(2, 3))[:, 0] + classifier.head.bias[0],
        classifier.logits(images)[:, 0], rtol=0, atol=1e-4,
    )  # fmt: skip


def test_explain_without_methods_runs_what_a_model_supports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = scripted(tmp_path)
    Image.fromarray(picture(0).rgb).save(tmp_path / "a.png")
    words = ["explain", str(tmp_path / "a.png"), "--classifier", made.name, "--size", "64"]
    out = tmp_path / "out"
    assert main([*words, "--out", str(out), "--set", "lime.samples=40"]) == 0
    ran = json.loads((out / "explain.json").read_text())["methods"]
    assert [spec.partition("[")[0] for spec in ran] == ["integrated_gradients", "lime"]
    said = capsys.readouterr().err
    for name in ("cam", "secam", "grad_cam"):
        assert f"left out: {name}: " in said
    assert main([*words, "--out", str(tmp_path / "o"), "--methods", "cam"]) == 2
