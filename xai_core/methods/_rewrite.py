"""Private copies of a model, rewritten so that Captum's hooks see what they need to see."""

from __future__ import annotations

import operator
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import fx, nn
from torch.nn import functional

from xai_core.methods._functions import function_name
from xai_core.models.classifier import Classifier
from xai_core.models.folding import module_at
from xai_core.models.tracing import trace

Rewrite = Callable[[Classifier], fx.GraphModule]

_LINEAR = (
    "Conv2d Linear BatchNorm2d AvgPool2d AdaptiveAvgPool2d Dropout Identity Flatten add cat "
    "conv2d linear pad ZeroPad2d ReflectionPad2d ReplicationPad2d "
    "flatten adaptive_avg_pool2d avg_pool2d dropout stochastic_depth reshape view squeeze "
    "transpose permute chunk contiguous getattr getitem size dim eq floordiv _assert"
)
LINEAR = frozenset(_LINEAR.split())
"""Operations that are linear in eval mode, or only about shapes."""

_RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, "relu", "relu_")
_ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
_PRODUCTS = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
_LOCK = threading.RLock()
_OPERATIONS: WeakKeyDictionary[Classifier, frozenset[str]] = WeakKeyDictionary()
_COPIES: WeakKeyDictionary[Classifier, dict[Rewrite, fx.GraphModule]] = WeakKeyDictionary()


@contextmanager
def stage_module(classifier: Classifier, stage: str = "") -> Iterator[tuple[nn.Module, nn.Module]]:
    """A model that may be hooked, with the module in it whose output is the stage."""
    with classifier.exclusive() as network:
        try:
            module = classifier.module_of(network, stage)
        except ValueError:  # the stage is computed by a function
            network, module = _with_stage_module(network, classifier.node_of(stage))
        yield network, module


@contextmanager
def rewritten(classifier: Classifier, rewrite: Rewrite) -> Iterator[fx.GraphModule]:
    """The copy that `rewrite` makes, for one thread at a time; it is dropped after an error.

    Captum's announcements that it sets hooks are kept quiet.
    """
    with _LOCK:
        copies = _COPIES.setdefault(classifier, {})
        if rewrite not in copies:
            copies[rewrite] = rewrite(classifier)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=r"Setting .*backward\s+hooks")
                yield copies[rewrite]
        except BaseException:
            copies.pop(rewrite, None)
            raise


def operations(classifier: Classifier) -> frozenset[str]:
    """What the model does with the image: names of modules (`Conv2d`) and functions (`add`)."""
    with _LOCK:
        if classifier not in _OPERATIONS:
            traced, _ = trace(classifier.network)
            nodes = [node for node in _from_image(traced) if node.op.startswith("call")]
            _OPERATIONS[classifier] = frozenset(operation(traced, node) for node in nodes)
        return _OPERATIONS[classifier]


def _from_image(traced: fx.GraphModule) -> list[fx.Node]:
    """The nodes that depend on the image; position biases of SwinV2, say, do not."""
    reached: dict[fx.Node, None] = {}
    for node in traced.graph.nodes:
        if node.op == "placeholder" or any(before in reached for before in node.all_input_nodes):
            reached[node] = None
    return list(reached)


def beyond(classifier: Classifier, title: str, known: frozenset[str]) -> str | None:
    """Why a method that only knows some operations cannot explain a model, or None."""
    if classifier.untraceable:
        return not_rewritten(classifier, title)
    unknown = sorted(operations(classifier) - known)
    if not unknown:
        return None
    return (
        f"{title} has no rule for {', '.join(unknown)} in {classifier.name}; it works for models "
        "of convolutions, batch norm and ReLU such as resnet50, densenet121 and vgg16."
    )


def not_rewritten(classifier: Classifier, title: str) -> str:
    """Why a method that rewrites the model cannot explain one that is not traceable."""
    return (
        f"{title} rewrites the model, and {classifier.name} cannot be traced "
        f"({classifier.untraceable}). Use integrated_gradients, lime or occlusion."
    )


def replace(traced: fx.GraphModule, node: fx.Node, module: nn.Module) -> None:
    """Call `module`, the node's very own, on the node's tensors instead.

    A module that has weights of its own only gets what is computed.
    """
    name = f"own_{node.name}"
    traced.add_submodule(name, module)
    has_weights = next(module.parameters(), None) is not None
    inputs = tuple(n for n in node.all_input_nodes if not (has_weights and n.op == "get_attr"))
    with traced.graph.inserting_before(node):
        node.replace_all_uses_with(traced.graph.call_module(name, inputs))
    traced.graph.erase_node(node)


def capped_relu() -> nn.ReLU:
    """ReLU6 as a ReLU by type, the only one that Captum's rules know."""
    module = nn.ReLU()
    setattr(module, "forward", functional.relu6)  # noqa: B010
    return module


def own_activations(traced: fx.GraphModule) -> fx.GraphModule:
    """The graph with one ReLU or MaxPool module of its own, out of place, for every use.

    Additions in place become plain ones.
    """
    for node in list(traced.graph.nodes):
        module = module_at(traced, node)
        kind = operation(traced, node)
        if kind == "ReLU":
            replace(traced, node, nn.ReLU())
        elif kind == "ReLU6":
            replace(traced, node, capped_relu())
        elif kind == "MaxPool2d" and module is None:
            replace(traced, node, nn.MaxPool2d(*node.args[1:], **node.kwargs))
        elif node.target is operator.iadd:
            node.target = operator.add
    traced.recompile()
    traced.delete_all_unused_submodules()
    return traced


def operation(traced: fx.GraphModule, node: fx.Node) -> str:
    """What a node does: the class of its module, or the name of its function."""
    module, target = module_at(traced, node), node.target
    if module is not None:
        return type(module).__name__
    if target in _RELUS:
        return "ReLU"
    if target is functional.relu6:
        return "ReLU6"
    if target in _ADDITIONS:
        return "add"
    if target in _PRODUCTS:
        return "scale" if len(node.all_input_nodes) == 1 else "product"
    name = str(target if isinstance(target, str) else getattr(target, "__name__", target))
    return "MaxPool2d" if "max_pool2d" in name else function_name(node, name)


def _with_stage_module(network: nn.Module, path: str) -> tuple[nn.Module, nn.Module]:
    """The model with an Identity behind the graph node `path`, and that Identity."""
    traced, nodes = trace(network)
    node, graph = nodes[path], traced.graph
    module = nn.Identity()
    traced.add_submodule("stage_output", module)
    with graph.inserting_after(node):
        marker: Any = graph.call_module("stage_output", (node,))
    node.replace_all_uses_with(marker, delete_user_cb=lambda user: user is not marker)
    traced.recompile()
    return traced, module
