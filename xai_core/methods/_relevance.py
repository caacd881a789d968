"""A rewritten copy and the rules that make Captum's LRP right on residual models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from xai_core.methods._functions import as_module
from xai_core.methods._rewrite import operation, own_activations, replace
from xai_core.models.classifier import Classifier
from xai_core.models.folding import drop, fold_batch_norm, module_at
from xai_core.models.interruption import checkpoint
from xai_core.models.tracing import trace

Hook = Callable[[Tensor], Tensor]
KNOWN = frozenset(
    {
        *("Conv2d", "Linear", "BatchNorm2d", "ReLU", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d"),
        *("adaptive_avg_pool2d", "avg_pool2d", "add", "cat", "flatten", "Flatten"),
        *("Dropout", "dropout", "Identity", "stochastic_depth"),
        *("conv2d", "linear", "pad", "ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d"),
        *("ReLU6", "mean over the grid", "chunk", "contiguous", "getitem", "getattr", "size"),
        *("floordiv", "transpose", "view", "reshape"),
    }
)
"""Operations through which relevance is passed on correctly."""


def relevance_copy(classifier: Classifier) -> fx.GraphModule:
    """The model on weights of its own, with batch norm folded and a module for every step.

    Captum changes weights while it works and does not see functions, additions among them.
    """
    traced = own_activations(trace(copy.deepcopy(classifier.network))[0])
    for node in list(traced.graph.nodes):
        kind = operation(traced, node)
        if kind in ("conv2d", "linear", "pad"):
            replace(traced, node, as_module(traced, node, kind))
    fold_batch_norm(traced)
    for node in list(traced.graph.nodes):
        checkpoint()
        kind, module = operation(traced, node), module_at(traced, node)
        if kind == "BatchNorm2d" and isinstance(module, nn.BatchNorm2d):
            replace(traced, node, _alone(module))
        elif kind == "add":
            replace(traced, node, Addition_Module())
        elif kind == "adaptive_avg_pool2d":
            replace(traced, node, nn.AdaptiveAvgPool2d(*node.args[1:], **node.kwargs))
        elif kind == "avg_pool2d":
            replace(traced, node, nn.AvgPool2d(*node.args[1:], **node.kwargs))
        elif kind == "mean over the grid":
            traced.add_submodule(f"own_{node.name}", nn.AdaptiveAvgPool2d(1))
            with traced.graph.inserting_before(node):
                pooled = traced.graph.call_module(f"own_{node.name}", (node.args[0],))
                flat = traced.graph.call_function(torch.flatten, (pooled, 1))
            drop(node, flat)
        elif kind == "Flatten":
            with traced.graph.inserting_before(node):
                flat = traced.graph.call_function(torch.flatten, (node.args[0], 1))
            drop(node, flat)
        elif kind in ("Dropout", "dropout", "Identity", "stochastic_depth"):
            drop(node, node.all_input_nodes[0])
    traced.graph.eliminate_dead_code()
    traced.recompile()
    traced.delete_all_unused_submodules()
    traced = traced.eval().requires_grad_(False)
    return traced.to(memory_format=classifier.memory_format)


def _alone(norm: nn.BatchNorm2d) -> nn.Conv2d:
    """A batch norm with no convolution before it as one, channel by channel."""
    count, device = norm.num_features, norm.weight.device
    conv = nn.Conv2d(count, count, 1, groups=count, bias=False, device=device).eval()
    nn.init.ones_(conv.weight)
    return fuse_conv_bn_eval(conv, norm)


def _booking(rule: Any, outputs: Tensor, bias: Tensor | None, shares: list[Tensor]) -> Hook:
    """A hook that passes on R / (z + epsilon) and books the part of R that the bias keeps, (N,)."""

    def hook(relevance: Tensor) -> Tensor:
        epsilon = torch.tensor(rule.STABILITY_FACTOR, device=outputs.device)
        ratio = relevance / (outputs + torch.copysign(epsilon, outputs))
        if bias is not None:
            per_channel = ratio.sum(dim=(2, 3)) if ratio.ndim == 4 else ratio
            shares.append(per_channel @ bias)
        return ratio

    return hook


class BookedEpsilon(EpsilonRule):  # type: ignore[misc]
    """R_i = a_i sum_j w_ij R_j / (z_j + epsilon sign z_j)."""

    def __init__(self, epsilon: float, bias: Tensor | None, shares: list[Tensor]) -> None:
        super().__init__(epsilon)
        self._bias, self._shares = bias, shares

    def _create_backward_hook_output(self, outputs: Tensor) -> Hook:
        return _booking(self, outputs, self._bias, self._shares)


class PositiveWeights(Alpha1_Beta0_Rule):  # type: ignore[misc]
    """R_i = a_i sum_j w+_ij R_j / (sum_k a_k w+_kj + epsilon), without the bias."""

    def __init__(self, epsilon: float) -> None:
        super().__init__(set_bias_to_zero=True)
        self.STABILITY_FACTOR = epsilon

    def _create_backward_hook_output(self, outputs: Tensor) -> Hook:
        return _booking(self, outputs, None, [])


def forget_activations(network: nn.Module) -> None:
    """Drop what Captum leaves on every layer: its own clean-up looks for another name."""
    for layer in network.modules():
        vars(layer).pop("activations", None)


def attach_rules(network: fx.GraphModule, epsilon: float, early: float) -> list[Tensor]:
    """Give every layer its rule; returns where the biases' shares (N,) of the relevance will be.

    The `early` share of the convolutions has alpha1-beta0, but the first one keeps epsilon, whose
    inputs can be negative, and so do those that work channel by channel (batch norms) or do not
    lead straight into a ReLU: a negative output may have no positive part to pass relevance on.
    """
    shares: list[Tensor] = []
    calls = [(node, module_at(network, node)) for node in network.graph.nodes]
    convolutions = [(node, layer) for node, layer in calls if isinstance(layer, nn.Conv2d)]
    positive = {
        id(layer)
        for node, layer in convolutions[1 : round(early * len(convolutions))]
        if layer.groups < layer.in_channels
        and all(isinstance(module_at(network, user), nn.ReLU) for user in node.users)
    }
    layers: list[Any] = [layer for _, layer in calls if layer is not None]
    for layer in layers:
        if id(layer) in positive:
            layer.rule = PositiveWeights(epsilon)
        elif not isinstance(layer, nn.ReLU):
            bias = getattr(layer, "bias", None)
            layer.rule = BookedEpsilon(epsilon, None if bias is None else bias.detach(), shares)
    return shares
