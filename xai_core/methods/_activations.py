"""Copies with a module of their own for every use of an activation; pooling made of ReLUs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx, nn

from xai_core.methods._rewrite import LINEAR, not_rewritten, operations, own_activations
from xai_core.models.classifier import Classifier
from xai_core.models.tracing import trace

_AFFINE = frozenset({"pad with a value", "pad by computed widths"})
PIECEWISE_LINEAR = (
    LINEAR | _AFFINE | {"ReLU", "ReLU6", "MaxPool2d", "scale", "mean", "mean over the grid"}
)


def no_relu(classifier: Classifier, title: str) -> str | None:
    """Why a rule for ReLUs has nothing to do in the model, or None where there are some."""
    if classifier.untraceable:
        return not_rewritten(classifier, title)
    if operations(classifier) & {"ReLU", "ReLU6"}:
        return None
    return (
        f"{title} changes how gradients pass ReLUs and {classifier.name} has none, so it would be "
        "the plain gradient. Use saliency or smooth_grad."
    )


def guided_copy(classifier: Classifier) -> fx.GraphModule:
    """A copy for guided backpropagation, with a ReLU of its own for every use."""
    return own_activations(trace(classifier.private_copy())[0])


class PairwiseMaxPool(nn.Module):
    """MaxPool2d as a chain of max(a, b) = a + relu(b - a), along the rows and then the columns.

    `relu` makes the ReLUs, one for each step.
    """

    def __init__(self, pool: nn.MaxPool2d, relu: Callable[[], nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.size, self.stride = _pair(pool.kernel_size), _pair(pool.stride)
        self.padding, self.ceil = _pair(pool.padding), pool.ceil_mode
        self.relus = nn.ModuleList(relu() for _ in range(sum(self.size) - 2))
        if _pair(pool.dilation) != (1, 1):
            raise ValueError("DeepLIFT has no rule for a MaxPool2d with dilation")

    def forward(self, values: Tensor) -> Tensor:
        relus = iter(self.relus)
        for axis, size, stride, padding in zip(
            (2, 3), self.size, self.stride, self.padding, strict=True
        ):
            length = values.shape[axis]
            count = self._windows(length, size, stride, padding)
            # A window over the edge contains the edge, so repeating it changes no maximum.
            reached = torch.arange(-padding, -padding + (count - 1) * stride + size)
            padded = values.index_select(axis, reached.clamp(0, length - 1).to(values.device))
            starts = torch.arange(count, device=values.device) * stride
            largest = padded.index_select(axis, starts)
            for offset in range(1, size):
                candidate = padded.index_select(axis, starts + offset)
                largest = largest + next(relus)(candidate - largest)
            values = largest
        return values

    def _windows(self, length: int, size: int, stride: int, padding: int) -> int:
        room = length + 2 * padding - size
        count = (-(-room // stride) if self.ceil else room // stride) + 1
        # A window must start inside the values or their left padding.
        return count - 1 if (count - 1) * stride >= length + padding else count


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
