"""CAM head: whether one Linear after a global average gives the logits, and which."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

CAM_TOLERANCE = 1e-3
"""Largest error of the CAM identity, relative to the largest logit without its bias."""
MOST_CHANNELS = 4096
"""Of a stage whose channels are the classes; the identity of more would take over 64 MB."""


def random_activations(shape: torch.Size, device: torch.device) -> Tensor:
    """Activations (N, C, h, w) to try heads on: the model's own may be tiny, or zero."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.rand(*shape[:2], 1, 1, generator=generator)
    return (scales * torch.rand(shape, generator=generator)).to(device)


def cam_head(network: nn.Module, activations: Tensor, logits: Tensor) -> nn.Linear | None:
    """The final Linear, where mean over the grid of sum_k w_k f_k + b gives the logits.

    `logits` (N, classes) are the model's from the activations f (N, C, h, w) of its last stage.
    Where the channels are the classes, as in SqueezeNet, each is its own logit's: the identity.
    """
    means = activations.mean(dim=(2, 3))
    heads = _possible_heads(network, means.shape[1], logits)
    return next((head for head in heads if _gives(head, means, logits)), None)


def _possible_heads(network: nn.Module, channels: int, logits: Tensor) -> Iterator[nn.Linear]:
    classes = logits.shape[1]
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if linears and (linears[-1].in_features, linears[-1].out_features) == (channels, classes):
        yield linears[-1]
    if channels == classes <= MOST_CHANNELS:
        head = nn.Linear(channels, classes, bias=False, device=logits.device)
        head.weight = nn.Parameter(torch.eye(classes, device=logits.device), requires_grad=False)
        yield head


def _gives(head: nn.Linear, means: Tensor, logits: Tensor) -> bool:
    """Whether the head makes the logits of the means (N, C) of activations."""
    rebuilt = head(means)
    evidence = rebuilt if head.bias is None else rebuilt - head.bias
    error, largest = float((rebuilt - logits).abs().max()), float(evidence.abs().max())
    if largest <= 1e-5 * float(logits.abs().max()):  # a head of zeros fulfils any identity
        return False
    return error <= CAM_TOLERANCE * largest + 1e-6 * float(logits.abs().max())
