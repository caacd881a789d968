"""Batch norm becomes part of the convolution before it: the same numbers from fewer steps."""

from __future__ import annotations

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from xai_core.models.interruption import checkpoint


def module_at(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The module that a node calls, if it calls one."""
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None


def drop(node: fx.Node, successor: fx.Node) -> None:
    """Take a node out of its graph; what used it uses `successor`."""
    node.replace_all_uses_with(successor)
    node.graph.erase_node(node)


def fold_batch_norm(traced: fx.GraphModule) -> None:
    """Fold every batch norm (eval mode) whose input is a convolution's that nothing else uses.

    With y = W x + b before it, gamma (y - mean) / sqrt(var + eps) + beta is one convolution. The
    folded ones have weights of their own; a module that is called twice is folded at each call.
    """
    for node in list(traced.graph.nodes):
        checkpoint()
        norm = module_at(traced, node)
        if not isinstance(norm, nn.BatchNorm2d) or not norm.track_running_stats:
            continue
        source = node.all_input_nodes[0]
        conv = module_at(traced, source)
        if isinstance(conv, nn.Conv2d) and len(source.users) == 1:
            name = f"folded_{source.name}"
            traced.add_submodule(name, fuse_conv_bn_eval(conv, norm))
            with traced.graph.inserting_before(source):
                folded = traced.graph.call_module(name, source.args)
            drop(node, folded)
            traced.graph.erase_node(source)
