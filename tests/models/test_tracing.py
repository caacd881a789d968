"""Tracing: other threads' passes are what they are without it, and the model is left as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from tests.conftest import TinyNetwork, seeded
from xai_core.models.classifier import Classifier
from xai_core.models.tracing import trace

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


class Direct(nn.Module):
    """Uses a parameter itself, as torch.fx notes for the models it traces."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TinyNetwork()
        self.weight = nn.Parameter(torch.rand(5, 5))

    def forward(self, images: Tensor) -> Tensor:
        return functional.linear(self.inner(images), self.weight)


def test_the_graph_gives_the_same_and_its_nodes_have_the_modules_paths() -> None:
    network = seeded(TinyNetwork).eval()
    traced, nodes = trace(network)
    torch.testing.assert_close(traced(IMAGES), network(IMAGES), rtol=0, atol=0)
    assert traced.get_submodule("features.0") is network.features[0]
    assert [path for path, node in nodes.items() if node.op == "call_module"] == [
        *(f"features.{number}" for number in range(6)),
        "avgpool",
        "fc",
    ]
    assert nodes["flatten"].target is torch.flatten


@pytest.mark.parametrize("is_same", [False, True], ids=["another model", "the same model"])
def test_other_threads_compute_while_a_network_is_traced(is_same: bool) -> None:
    traced, used = seeded(Direct).eval(), seeded(Direct, 1).eval()
    used = traced if is_same else used
    call, get = nn.Module.__call__, nn.Module.__getattr__
    expected, found = used(IMAGES), []
    is_over, failures = threading.Event(), []

    def compute() -> None:
        try:
            while not is_over.is_set():
                found.append(used(IMAGES))
        except Exception as error:
            failures.append(error)

    def note() -> None:
        try:
            graphs.append(trace(traced)[0].code)
        except Exception as error:
            failures.append(error)

    graphs: list[str] = []
    thread = threading.Thread(target=compute)
    thread.start()
    for _ in range(15):
        tracing = [threading.Thread(target=note) for _ in range(3)]
        for one in tracing:
            one.start()
        for one in tracing:
            one.join()
    is_over.set()
    thread.join()
    assert failures == []
    assert len(set(graphs)) == 1
    assert (nn.Module.__call__, nn.Module.__getattr__) == (call, get)
    for logits in found:
        assert type(logits) is Tensor
        torch.testing.assert_close(logits, expected, rtol=0, atol=0)


def test_a_shared_network_is_never_set_to_training(
    tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread's batch norm would take over the statistics of what it computes then."""
    classifier = Classifier.of(tiny_classifier.network, tuple("abcde"), form=tiny_classifier.form)
    modes: list[tuple[nn.Module, bool]] = []
    train: Callable[..., nn.Module] = nn.Module.train

    def noted(self: nn.Module, mode: bool = True) -> nn.Module:
        modes.append((self, mode))
        return train(self, mode)

    monkeypatch.setattr(nn.Module, "train", noted)
    for stage in classifier.stages:
        classifier.stage_and_logits(IMAGES, stage)
    classifier.logits(IMAGES)
    own = {id(module) for module in classifier.network.modules()}
    assert not [mode for module, mode in modes if id(module) in own and mode]


def test_what_cannot_be_traced_is_said_by_torch() -> None:
    class Branching(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images if images.sum() > 0 else -images

    with pytest.raises(fx.proxy.TraceError, match="control flow"):
        trace(Branching())
    assert type(nn.Linear(2, 2)(torch.zeros(1, 2))) is Tensor
