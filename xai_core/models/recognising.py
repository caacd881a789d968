"""Recognising: which torchvision architecture a checkpoint's weights are of."""

from __future__ import annotations

from torch import Tensor
from torchvision import models

from xai_core.models.interruption import checkpoint
from xai_core.models.torchvision_networks import architectures, unfilled_network

COUNTERS = "num_batches_tracked"
AUXILIARY = ("aux", "AuxLogits")
LEAST, MOST = 0.4, 1.6
"""A checkpoint's numbers over those for 1,000 classes: small heads make it smaller."""


def architecture_of(weights: dict[str, Tensor], stem: str = "") -> str:
    """The architecture with these names and shapes, the last layer's number of classes aside.

    Those that the file's name (`stem`) mentions are tried first, then those of the nearest size;
    "" where none fits.
    """
    mentioned = [name for name in architectures() if name in stem.lower()]
    count = sum(value.numel() for value in weights.values())
    sizes = {name: parameters_of(name) for name in architectures() if name not in mentioned}
    near = [name for name, size in sizes.items() if LEAST < count / size < MOST]
    others = sorted(near, key=lambda name: abs(count - sizes[name]))
    for name in (*sorted(mentioned, key=len, reverse=True), *others):
        checkpoint()
        if _fits(weights, name):
            return name
    return ""


def parameters_of(architecture: str) -> int:
    """The number of an architecture's weights for 1,000 classes."""
    return int(models.get_model_weights(architecture).DEFAULT.meta["num_params"])


def gigaflops_of(architecture: str) -> float:
    """What a forward pass at the architecture's own size costs, in 10^9 multiply-adds."""
    return float(models.get_model_weights(architecture).DEFAULT.meta["_ops"])


def _fits(weights: dict[str, Tensor], architecture: str) -> bool:
    state = unfilled_network(architecture, 2).state_dict()
    expected = {key: value.shape for key, value in state.items() if COUNTERS not in key}
    found = {
        key: value.shape
        for key, value in weights.items()
        if COUNTERS not in key and not key.startswith(AUXILIARY)
    }
    if expected.keys() != found.keys():
        return False
    head = [key for key, shape in expected.items() if len(shape) >= 2][-1].rpartition(".")[0]
    return all(
        found[key][1:] == shape[1:] if key.startswith(f"{head}.") else found[key] == shape
        for key, shape in expected.items()
    )
