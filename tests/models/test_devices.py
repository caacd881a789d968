"""Devices: which is used, what it is called; on a GPU the maps and scores of the CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tests.methods.conftest import cheap
from xai_core.images.reading import Photo
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models import devices
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.devices import default_device, device_name

CPU = torch.device("cpu")
DECIDED_BY_LAST_BITS = ("increase_in_confidence",)
"""All or nothing, where a masked image leaves the probability as it was."""
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")


def test_the_variable_overrules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPARE_DEVICE", "cuda:3")
    assert default_device() == "cuda:3"


def test_without_a_gpu_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMPARE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert default_device() == "cpu"


def test_a_gpu_that_fails_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*sizes: int, **options: object) -> None:
        raise RuntimeError("no kernel image is available for execution on the device")

    monkeypatch.delenv("CAMPARE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", fail)
    assert default_device() == "cpu"


def test_the_name_tells_what_times_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "processor_name", lambda: "Chip 9000")
    for threads, name in ((1, "Chip 9000, 1 thread"), (2, "Chip 9000, 2 threads")):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert device_name(CPU) == name


@pytest.fixture(scope="module")
def on_gpu(tiny_resnet_classifier: Classifier) -> Classifier:
    found = tiny_resnet_classifier
    network = copy.deepcopy(found.network)
    return Classifier.of(network, found.categories, name="gpu", form=found.form, device="cuda")


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Relative to the largest value."""
    return float((found.cpu() - expected).abs().max() / expected.abs().max().clamp(min=1e-12))


@needs_gpu
def test_fp32_is_fp32(tiny_resnet_classifier: Classifier, on_gpu: Classifier) -> None:
    """Rounded to ten bits, as cuDNN would, the logits are off by about 1e-3."""
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = tiny_resnet_classifier.network(images)
        assert error(on_gpu.logits(images.cuda()), expected) < 2e-5


@needs_gpu
@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_gpu_gives_the_cpus_maps_and_scores(
    name: str,
    photos: list[Photo],
    tiny_resnet_classifier: Classifier,
    on_gpu: Classifier,
    tiny_batch: Callable[[Classifier], Batch],
) -> None:
    method = cheap(name)
    if method.unfit(on_gpu):
        pytest.skip(f"{method.title} does not fit the model")
    cases = []
    for classifier in (tiny_resnet_classifier, on_gpu):
        batch = tiny_batch(classifier)
        targets = torch.tensor([0, 1, 2, 3], device=classifier.device)
        maps = method.attribute(batch, targets[:, None])[:, 0]
        masks = torch.zeros(maps.shape, dtype=torch.bool)
        masks[:, 16:40, 16:40] = True
        cases.append(Case(batch, targets, maps, method, masks.to(classifier.device)))
    expected, found = cases
    assert error(found.maps, expected.maps) < 1e-3
    # scores of the same maps, as ranks of nearly equal pixels may differ
    found = replace(found, maps=expected.maps.to(found.maps.device), _kept={})
    for metric in METRICS.values():
        if metric.needs_shots or metric.name in DECIDED_BY_LAST_BITS:
            continue
        scores = [metric().score(case).values.cpu().double() for case in (expected, found)]
        torch.testing.assert_close(
            scores[1], scores[0], rtol=0.01, atol=0.01, equal_nan=True,
            msg=lambda text, metric=metric: f"{metric.name}: {text}",
        )  # fmt: skip
