"""Stages: the parts of a model that give a grid, and what a person would call them."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from xai_core.models.folding import module_at
from xai_core.models.layouts import Finder, Layout
from xai_core.models.running import Grids, last_with_gradient, module_grids
from xai_core.models.tracing import trace

Nodes = dict[str, str]
"""Stage name -> path of the traced graph's node, or of the module, that gives it; in order."""
Layouts = dict[str, Layout]


class _Shapes(fx.Interpreter):
    """Runs a traced model on `moved_squares` and notes which nodes give a grid, and how."""

    grids: Grids
    finder: Finder
    module: fx.GraphModule
    tokens: bool = False  # whether tokens come after the last grid

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        layout = self.finder.see(result, module_at(self.module, n))
        if layout and layout.kind == "tokens":
            self.tokens = True
        elif layout and not any(_in_place(user, self.module) for user in n.users):
            self.grids[n.name] = layout
            self.tokens = False
        return result


def _in_place(node: fx.Node, network: nn.Module) -> bool:
    """Whether the node overwrites what it is given, as most ReLUs do."""
    if node.op == "call_module":
        return bool(getattr(network.get_submodule(str(node.target)), "inplace", False))
    return bool(node.kwargs.get("inplace")) or node.target in (operator.iadd, operator.imul)


def traced_stages(network: nn.Module, squares: Tensor) -> tuple[Nodes, Layouts, bool]:
    """Stage name -> graph node, in order: each top-level block with a grid, the last grid last.

    Also the layouts, and whether the model goes on with tokens behind the last grid.
    """
    traced, nodes = trace(network)
    shapes = _Shapes(traced)
    shapes.grids, shapes.finder = {}, Finder(squares.shape[2], squares.shape[3])
    with torch.no_grad():
        shapes.run(squares)
    names = {node.name: path for path, node in nodes.items()}
    images = {node.name for node in traced.graph.nodes if node.op == "placeholder"}
    grids = {
        names[name]: layout
        for name, layout in shapes.grids.items()
        if name in names and name not in images
    }
    last = list(grids)[-1] if grids else ""
    return *_named_blocks(grids, last, network), shapes.tokens


def hooked_stages(
    network: nn.Module, squares: Tensor, *, has_gradients: bool
) -> tuple[Nodes, Layouts]:
    """The last grid of each block, in order, as hooks on the running model see them.

    None where running fails; behind the last, gradients must still reach it where there are any.
    `network` is a private copy, which hooks may be put on.
    """
    try:
        grids = module_grids(network, squares)
        last = last_with_gradient(network, grids, squares[:1]) if has_gradients else ""
    except Exception:  # whatever a model of somebody else's does while hooked
        return {}, {}
    if has_gradients and not last:
        return {}, {}
    return _named_blocks(grids, last, network)


def _named_blocks(grids: Grids, last: str, network: nn.Module) -> tuple[Nodes, Layouts]:
    """Stage name -> path of its last grid, and stage name -> layout; the block of `last` is last.

    A stage has its block's name, or its own path where the block gives another grid.
    """
    blocks: dict[str, str] = {}
    for path in grids:
        blocks[_block(path, network)] = path
        if path == last:
            break
    end = _block(last, network) if last else ""
    ordered = {name: path for name, path in blocks.items() if name != end}
    if last:
        ordered[last if end in grids else end] = last
    return ordered, {name: grids[path] for name, path in ordered.items()}


def _block(path: str, network: nn.Module) -> str:
    """The module a person would name: `layer4` for layer4.2.relu_2, `features.18` as it is.

    Of a ModuleList, whose modules are called one by one, each module: `body.stages.1`.
    """
    first, *rest = parts = path.split(".")
    modules = dict(network.named_modules(remove_duplicate=False))
    for length in range(1, len(parts)):
        if isinstance(modules.get(".".join(parts[:length])), nn.ModuleList):
            return ".".join(parts[: length + 1])
    top = getattr(network, first, None)
    if rest and isinstance(top, nn.Sequential) and (first == "features" or not rest[0].isdigit()):
        return f"{first}.{rest[0]}"
    return first
