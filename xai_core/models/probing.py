"""Probing: what two passes of a model tell: memory format, repeatability, gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xai_core.models.adapting import contiguous, with_forward

SAME_LOGITS = 1e-4
"""Largest difference of two passes on one image, relative to the largest logit."""


def arranged(network: nn.Module, probe: Tensor) -> tuple[nn.Module, bool]:
    """The model in channels_last, or as it was where that changes logits; and repeatability."""
    expected = run_once(network, probe)
    lying = network.to(memory_format=torch.channels_last)
    try:
        if _same(expected, run_once(lying, probe.contiguous(memory_format=torch.channels_last))):
            return lying, True
    except RuntimeError:  # `view` wants contiguous values
        pass
    network = with_forward(network.to(memory_format=torch.contiguous_format), [], contiguous)
    network._wants_contiguous = True  # type: ignore[assignment]
    return network, _same(expected, run_once(network, probe))


def run_once(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = network(images)
    return logits


def _same(expected: Tensor, found: Tensor) -> bool:
    near = SAME_LOGITS * float(expected.nan_to_num().abs().max()) + 1e-6
    return torch.allclose(found, expected, rtol=0.0, atol=near, equal_nan=True)


def has_gradients(network: nn.Module, probe: Tensor) -> bool:
    """Whether logits can be differentiated by the image."""
    with torch.enable_grad():
        start = probe[:1].clone().requires_grad_()
        try:
            (slopes,) = torch.autograd.grad(network(start).sum(), start)
        except RuntimeError:
            return False
    return bool(torch.isfinite(slopes).all())
