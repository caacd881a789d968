"""Models as people write them: logits, methods and metrics, and the object stays untouched."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.conftest import picture
from tests.models.conftest import shared_cases, shared_module
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.metrics.base import Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.own_copy import unpacked

NAMES = (
    "asks", "views", "tuple", "model_output", "dictionary", "always_dropout", "tokens",
    "channels_last", "blocks", "data_parallel", "double", "scripted",
)  # fmt: skip
FORM = InputFormat(size=64, resize=72, mean=(0.5,) * 3, std=(0.25,) * 3)
QUICK: dict[str, dict[str, int]] = {
    "saliency": {}, "integrated_gradients": {"steps": 8}, "lime": {"samples": 40},
    "kernel_shap": {"samples": 130}, "rise": {"samples": 20}, "occlusion": {},
}  # fmt: skip


def made(name: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated
        module: nn.Module = shared_module("own_modules").OWN[name]()
    return module


def images(count: int = 2) -> Tensor:
    return torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(3))


def plain_logits(network: nn.Module, given: Tensor) -> Tensor:
    """What torch computes: a copy in eval mode, its scores found by hand."""
    network = unpacked(network)
    was = [module.training for module in network.modules()]
    network.eval()
    kind = next(iter(network.parameters())).dtype
    with torch.no_grad():
        result: Any = network(given.to(kind))
    for module, training in zip(network.modules(), was, strict=True):
        module.training = training
    if isinstance(result, tuple):
        return result[0]
    if isinstance(result, dict):
        return result["logits"]
    return getattr(result, "logits", result).float()


def state_of(network: nn.Module) -> list[Any]:
    """All of an object that must stay: values, flags, modes, strides, hooks."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    values = [
        (name, t.detach().clone().tolist(), t.requires_grad, t.dtype, t.stride(), t._version)
        for name, t in tensors
    ]
    modules = [
        (name, type(module), module.training, len(module._forward_hooks))
        for name, module in network.named_modules()
    ]
    return [values, modules]


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_torchs_and_the_object_stays_as_it_was(name: str) -> None:
    network = made(name)
    if name == "blocks":
        network.fc.register_forward_hook(lambda *_: None)
        network.fc.bias.requires_grad_(False)
    before = state_of(network)
    classifier = Classifier.of(network, tuple("abcde"), form=FORM, allow_random=True)
    assert state_of(network) == before
    if name == "always_dropout":
        assert not classifier.is_repeatable
        assert "dropout" in classifier.notes[-1]
        return
    assert classifier.is_repeatable
    error = (classifier.logits(images()) - plain_logits(network, images())).abs().max()
    assert float(error) < 1e-5
    if classifier.stages:
        for stage in classifier.stages:
            grid, logits = classifier.stage_and_logits(images(), stage)
            assert float((logits - plain_logits(network, images())).abs().max()) < 1e-5
            torch.testing.assert_close(classifier.logits_from(grid, images(), stage), logits)


EXPECTED: dict[str, tuple[str, str]] = {
    "asks": ("hooked", "features"), "views": ("traced", "features.3"),
    "tuple": ("traced", "features.3"), "model_output": ("traced", "features.3"),
    "dictionary": ("traced", "features.3"), "tokens": ("hooked", "patch"),
    "channels_last": ("traced", "layer_norm"), "data_parallel": ("traced", "features.3"),
    "scripted": ("black box", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_the_way_and_the_last_stage_are_those_of_the_module(name: str) -> None:
    classifier = Classifier.of(made(name), tuple("abcde"), form=FORM)
    assert (classifier.way, classifier.stage) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_methods_and_metrics_work_or_refuse_in_a_sentence(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    classifier = Classifier.of(made(name), tuple("abcde"), form=FORM, allow_random=True)
    batch = Batch.of(classifier, [picture(0)])
    targets = batch.predicted[:, None]
    worked, refused = [], []
    for key, kind in METHODS.items():
        method = kind(**QUICK.get(key, {}))
        reason = method.unfit(classifier)
        if reason:
            assert key not in QUICK, reason
            assert "\n" not in reason
            refused.append(key)
            continue
        if method.passes(classifier) > 400:
            continue
        maps = method.attribute(batch, targets)
        assert maps.shape == (1, 1, 64, 64)
        worked.append(key)
    assert {*QUICK} <= {*worked}
    assert ("grad_cam" in worked) is bool(classifier.stages)
    maps = METHODS["saliency"]().attribute(batch, targets)[:, 0]
    scored = 0
    for metric in METRICS.values():
        if metric.needs_shots or metric.reruns_method:
            continue
        case = Case(batch, targets[:, 0], maps, METHODS["saliency"](), masks=maps > maps.median())
        metric().score(case)
        scored += 1
    record_property(
        "measured", f"{name}: {len(worked)} methods, {len(refused)} refused, {scored} metrics"
    )


def test_every_module_of_the_folder_is_in_this_file() -> None:
    if shared_cases() is None:
        pytest.skip("../shared/cases is not here")
    assert {*shared_module("own_modules").OWN} == {*NAMES}
