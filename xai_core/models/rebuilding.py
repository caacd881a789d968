"""A torchvision model whose head and stem are those of a checkpoint, by its shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from xai_core.models.torchvision_networks import (
    BadClassifier,
    build_network,
    check_architecture,
    unfilled_network,
)

ASSUMED = (
    "a ReLU is assumed between its layers; if it is another function, name a python file with the "
    "model (file.py:function)"
)


class Rebuilt(NamedTuple):
    """A model with random weights, its outputs and input channels, and what differs from stock.

    `size` is the input's side where the checkpoint tells it, else 0.
    """

    network: nn.Module
    outputs: int
    channels: int
    size: int
    notes: tuple[str, ...]


def rebuilt(
    architecture: str, weights: Mapping[str, Tensor], arguments: Mapping[str, Any] | None = None
) -> Rebuilt:
    """The model that `weights` fit; raises BadClassifier with the shapes where none is known."""
    check_architecture(architecture)
    told, notes, size = dict(arguments or {}), [], 0
    if architecture in ("googlenet", "inception_v3") and "transform_input" not in told:
        told["transform_input"] = True
        notes.append("transform_input=True, as in torchvision's own weights")
    positions = weights.get("encoder.pos_embedding")
    if positions is not None and "image_size" not in told:
        patch: int = unfilled_network(architecture, 2).patch_size  # type: ignore[assignment]
        size = told["image_size"] = patch * round((positions.shape[1] - 1) ** 0.5)
    network = unfilled_network(architecture, 2, **told)
    slot = [name for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)][-1]
    head, changed = _head(network, slot, weights)
    last: Any = None if isinstance(head, int) else head[-1]
    outputs: int = head if isinstance(head, int) else last.out_features
    network = build_network(architecture, outputs, **told)
    if not isinstance(head, int):
        is_stock = _places(head) == _places(network.get_submodule(changed))
        assumed = "" if is_stock or len(_places(head)) == 1 else f", and {ASSUMED}"
        network.set_submodule(changed, head if f"{changed}.weight" not in weights else head[0])
        notes.append(
            f"the head is rebuilt from {changed}'s shapes; what has no weights (dropout, softmax) "
            f"is not in the file{assumed}"
        )
    channels, said, side = _stem(network, weights)
    return Rebuilt(network, outputs, channels, size or side, (*notes, *said))


def _head(
    network: nn.Module, slot: str, weights: Mapping[str, Tensor]
) -> tuple[int | nn.Sequential, str]:
    """The number of outputs of a stock head, or another head and where it belongs."""
    top = slot.partition(".")[0]
    stock = {k: v.shape for k, v in network.state_dict().items() if k.startswith(f"{top}.")}
    given = {k: v for k, v in weights.items() if k.startswith(f"{top}.")}
    inner = [key for key in stock if not key.startswith(f"{slot}.")]
    last, is_stock = f"{slot}.weight", set(stock) == set(given)
    is_stock = is_stock and all(given[key].shape == stock[key] for key in inner)
    if is_stock and given[last].shape[1:] == stock[last][1:]:
        return len(given[last]), slot
    if set(given) < set(stock):  # what is missing is said by name when the weights are filled in
        rows = given.get(last)
        return (2 if rows is None else len(rows)), slot
    linears = _linears(top, given)
    if not linears:
        shapes = ", ".join(f"{k} {tuple(v.shape)}" for k, v in sorted(given.items())) or "none"
        raise BadClassifier(
            f"the head differs: it has {shapes}; what stands between layers is not in the file, "
            "so name a python file with the model (file.py:function)"
        )
    return _sequence(linears, network.get_submodule(top)), top


def _linears(top: str, given: Mapping[str, Tensor]) -> dict[int, nn.Linear]:
    """Place -> Linear, where the head is Linear layers that fit each other, with room between."""
    names = {key.rpartition(".")[0] for key in given}
    if not all(re.fullmatch(rf"{re.escape(top)}(\.\d+)?", name) for name in names):
        return {}
    linears: dict[int, nn.Linear] = {}
    for name in sorted(names, key=lambda name: int(name[len(top) + 1 :] or 0)):
        parts = {key.rpartition(".")[2] for key in given if key.startswith(f"{name}.")}
        weight, place = given.get(f"{name}.weight", torch.empty(0)), int(name[len(top) + 1 :] or 0)
        before = next(reversed(linears.values()), None)
        fits = before is None or (
            before.out_features == weight.shape[-1] and place - 1 not in linears
        )
        if weight.ndim != 2 or not parts <= {"weight", "bias"} or not fits:
            return {}
        linears[place] = nn.Linear(weight.shape[1], weight.shape[0], bias="bias" in parts)
    return linears


def _sequence(linears: Mapping[int, nn.Linear], stock: nn.Module) -> nn.Sequential:
    """The layers at their places, between them what stock has there, else a ReLU and dropout."""
    last = max(linears)
    others: dict[int, nn.Module] = {place + 1: nn.ReLU() for place in linears if place < last}
    if _places(stock) == [*linears]:
        others = {int(name): module for name, module in stock.named_children()}
    here = {**others, **linears}
    return nn.Sequential(*(here.get(place, nn.Identity()) for place in range(last + 1)))


def _places(stock: nn.Module) -> list[int]:
    """Where a stock head has its Linear layers."""
    children = stock.named_children() if isinstance(stock, nn.Sequential) else ()
    return [int(name) for name, module in children if isinstance(module, nn.Linear)]


def _stem(network: nn.Module, weights: Mapping[str, Tensor]) -> tuple[int, list[str], int]:
    """Give the first convolution the checkpoint's channels and kernel; say what is assumed."""
    name, conv = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    weight = weights.get(f"{name}.weight")
    if weight is None or weight.ndim != 4 or weight.shape == conv.weight.shape:
        return conv.in_channels, [], 0
    count, channels, height, width = weight.shape
    shrunk = (height, width) == (3, 3) and conv.kernel_size == (7, 7)
    if count != conv.out_channels or not (shrunk or (height, width) == conv.kernel_size):
        raise BadClassifier(
            f"the stem differs: {name}.weight is {tuple(weight.shape)}, "
            f"not {tuple(conv.weight.shape)}"
        )
    has_bias = conv.bias is not None
    stride: Any = (1, 1) if shrunk else conv.stride
    padding: Any = (1, 1) if shrunk else conv.padding
    made = nn.Conv2d(channels, count, (height, width), stride, padding, bias=has_bias)
    network.set_submodule(name, made)
    notes = [f"{channels} input channels"] if channels != conv.in_channels else []
    if shrunk and isinstance(getattr(network, "maxpool", None), nn.MaxPool2d):
        network.set_submodule("maxpool", nn.Identity())
        notes.append("a 3 x 3 stem: stride 1 and no max pooling are assumed, as for CIFAR")
    return channels, notes, 32 if shrunk else 0
