"""Stages of a model that cannot be traced: seen and replaced by hooks on a private copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from xai_core.models.layouts import Finder, Layout

Grids = dict[str, Layout]
Change = Callable[[Tensor], Tensor]


def running(
    network: nn.Module, path: str, images: Tensor, change: Change | None = None
) -> tuple[Tensor, Tensor]:
    """The output of the module at `path` and the logits (N, K), in one pass.

    With `change`, the rest of the model goes on with `change(output)`. Not for two threads at
    once on the same model.
    """
    seen: list[Tensor] = []

    def hook(_: nn.Module, __: Any, output: Any) -> Any:
        value = _tensor_of(output)
        seen.append(value)
        return None if change is None else _with_tensor(output, change(value))

    handle = network.get_submodule(path).register_forward_hook(hook)
    try:
        logits: Tensor = network(images)
    finally:
        handle.remove()
    return seen[-1], logits


def module_grids(network: nn.Module, squares: Tensor) -> Grids:
    """Path -> layout of every module that runs once and gives a grid, in the order of running.

    `squares` are `moved_squares`; what a later module overwrites is left out. `model` is a
    private copy.
    """
    finder = Finder(squares.shape[2], squares.shape[3])
    calls: dict[str, int] = {}
    grids: dict[str, tuple[Layout, Tensor, int]] = {}

    def noting(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            calls[path] = calls.get(path, 0) + 1
            value = _tensor_of(output)
            layout = finder.see(value, module)
            if layout is not None:
                grids[path] = (layout, value, value._version)

        return hook

    handles = [
        module.register_forward_hook(noting(path))
        for path, module in network.named_modules()
        if path and _may_be_stage(module)
    ]
    try:
        with torch.no_grad():
            network(squares)
    finally:
        for handle in handles:
            handle.remove()
    return {
        path: layout
        for path, (layout, value, version) in grids.items()
        if calls[path] == 1 and value._version == version
    }


def last_with_gradient(network: nn.Module, grids: Grids, images: Tensor) -> str:
    """The last path whose grid the logits depend on; "" for none.

    Behind the last attention of a vision transformer only the class token counts.
    """
    for path in reversed(grids):
        start: list[Tensor] = []

        def leaf(output: Tensor, start: list[Tensor] = start) -> Tensor:
            start.append(output.detach().clone().requires_grad_())
            return start[0].clone()

        with torch.enable_grad():
            logits = running(network, path, images, leaf)[1]
            if not logits.requires_grad:  # nothing later uses this output
                continue
            weights = torch.linspace(1, 2, logits.shape[1]).to(logits)
            (slopes,) = torch.autograd.grad((logits * weights).sum(), start[0], allow_unused=True)
        if slopes is not None and bool(grids[path].grid(slopes).abs().max() > 0):
            return path
    return ""


def _may_be_stage(module: nn.Module) -> bool:
    """Not the parts of an attention, whose tokens are no features yet."""
    return not isinstance(module, torch.jit.ScriptModule | nn.Linear | nn.Dropout)


def _tensor_of(output: Any) -> Any:
    """The tensor in what a module returns: itself, or the first of several."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, tuple | list):
        return output[0] if output and isinstance(output[0], Tensor) else None
    return getattr(output, "last_hidden_state", None)


def _with_tensor(output: Any, value: Tensor) -> Any:
    if isinstance(output, Tensor):
        return value
    if isinstance(output, tuple | list):
        return type(output)([value, *output[1:]])
    output.last_hidden_state = value
    return output
