"""Convolutions, linear layers and padding that a model writes as functions, and as modules."""

from __future__ import annotations

import operator
from typing import Any

from torch import Tensor, fx, nn
from torch.nn import functional

_PARAMETERS = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "linear": ("input", "weight", "bias"),
    "pad": ("input", "pad", "mode", "value"),
}


def function_name(node: fx.Node, name: str) -> str:
    """`name` of a function, with what takes it beyond a linear step on one tensor.

    A convolution by weights that depend on the image is a product; padding with a value adds one.
    """
    if name == "mean" and _is_over_grid(node.args[1:], node.kwargs):
        return "mean over the grid"
    if name not in _PARAMETERS:
        return name
    values = _arguments(node, name)
    found: list[fx.Node] = []
    fx.map_arg([value for key, value in values.items() if key != "input"], found.append)
    if any(part.op != "get_attr" for part in found):
        return f"{name} by computed {'widths' if name == 'pad' else 'weights'}"
    is_constant = name == "pad" and values.get("mode", "constant") == "constant"
    return "pad with a value" if is_constant and values.get("value") else name


def _is_over_grid(places: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether a mean is global average pooling of (N, C, h, w) to (N, C)."""
    given = dict(zip(("dim", "keepdim"), places, strict=False)) | named
    dim = given.pop("dim", None)
    is_grid = isinstance(dim, list | tuple) and sorted(dim) in ([2, 3], [-2, -1])
    return is_grid and not any(given.values())


def as_module(traced: fx.GraphModule, node: fx.Node, name: str) -> nn.Module:
    """The module, with the stored weights, that does what the function `name` does at the node."""
    values = {key: _stored(traced, value) for key, value in _arguments(node, name).items()}
    if name == "pad":
        return Padding(values)
    weight, bias = values["weight"], values.get("bias")
    if name == "linear":
        return _with_weights(
            nn.Linear(weight.shape[1], weight.shape[0], device="meta"), weight, bias
        )
    groups = values.get("groups", 1)
    module = nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2:],
        values.get("stride", 1),
        values.get("padding", 0),
        values.get("dilation", 1),
        groups,
        device="meta",
    )
    return _with_weights(module, weight, bias)


class Padding(nn.Module):
    """functional.pad with fixed arguments."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__()
        self.arguments = {key: value for key, value in arguments.items() if key != "input"}

    def forward(self, values: Tensor) -> Tensor:
        return functional.pad(values, **self.arguments)


def _arguments(node: fx.Node, name: str) -> dict[str, Any]:
    return dict(zip(_PARAMETERS[name], node.args, strict=False)) | node.kwargs


def _stored(traced: fx.GraphModule, value: Any) -> Any:
    if isinstance(value, fx.Node):
        return operator.attrgetter(str(value.target))(traced) if value.op == "get_attr" else None
    return value


def _with_weights(module: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor | None) -> nn.Module:
    module.weight = nn.Parameter(weight.detach().clone())
    module.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach().clone()))
    return module.eval()
