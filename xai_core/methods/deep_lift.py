"""DeepLIFT: differences from a baseline, carried back through the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from xai_core.methods._activations import PIECEWISE_LINEAR, PairwiseMaxPool
from xai_core.methods._baselines import fixed_baseline
from xai_core.methods._gradients import leaf
from xai_core.methods._rewrite import beyond, own_activations, replace, rewritten
from xai_core.methods.base import Diagnostics, SignedPixels
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.folding import fold_batch_norm, module_at
from xai_core.models.tracing import trace
from xai_core.recipe import setting

SMALLEST_DIFFERENCE = 1e-6
"""Below this difference of inputs the gradient is used: the quotient would be rounding error."""


@dataclass(frozen=True)
class DeepLIFT(SignedPixels):
    """The difference from a baseline times the rescale rule's multipliers, summed over the colours.

    M_i = (x_i - x'_i) m_i, where at every nonlinearity the gradient is replaced by
    (y - y') / (z - z'), its difference in output over its difference in input. The map sums to
    f_c(x) - f_c(x'), up to the reported `completeness_error` (in logits).
    """

    title = "DeepLIFT"
    reference = "Shrikumar et al., ICML 2017, arXiv 1704.02685"
    family = "gradients"
    formula = (
        r"M_i = (x_i - x'_i)\, m_i,\quad "
        r"m^{l} = \frac{\sigma(z) - \sigma(z')}{z - z'} \, m^{l+1}"
    )
    caveat = (
        "The map depends on the baseline, and the rule treats every nonlinearity by itself, so "
        "effects that cancel each other stay hidden."
    )
    signed = True
    cost = 4

    baseline: str = setting(
        "black",
        "what the image is compared with: black, its mean colour, or itself blurred",
        choices=("black", "mean", "blurred"),
    )
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        return beyond(classifier, self.title, PIECEWISE_LINEAR)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        maps, errors = [], []
        with rewritten(batch.classifier, rescale_copy) as network:
            for first in range(0, len(batch), self.batch_size):
                part = slice(first, first + self.batch_size)
                found, error = self._explain(network, batch, targets, part)
                maps.append(found)
                errors.append(error)
            for module in network.modules():
                if isinstance(module, Rescale):
                    module.before = None
        diagnostics["completeness_error"] = torch.cat(errors)
        return torch.cat(maps)

    def _explain(
        self, network: nn.Module, batch: Batch, targets: Tensor, part: slice
    ) -> tuple[Tensor, Tensor]:
        """Maps (n, T, H, W) and |sum of the map - (f_c(x) - f_c(x'))| (n, T) of some images."""
        images, classes = leaf(batch.images[part]), targets[part]
        start = fixed_baseline(self.baseline, images.detach(), batch.classifier.form)
        with torch.no_grad():
            before = network(start)
        after = network(images)
        columns = []
        for column in classes.T:
            chosen = after.gather(1, column[:, None]).sum()
            (multipliers,) = torch.autograd.grad(chosen, images, retain_graph=True)
            columns.append(((images.detach() - start) * multipliers).sum(dim=1))
        maps = torch.stack(columns, dim=1)
        change = (after.detach() - before).gather(1, classes)
        return maps, (maps.sum(dim=(2, 3)) - change).abs()


class Rescale(nn.Module):
    """A ReLU or ReLU6 whose gradient is (s(z) - s(z')) / (z - z').

    z' is what it was given in the last pass without gradients: the baseline's pass.
    """

    def __init__(self, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.activation = activation or nn.ReLU()
        self.before: tuple[Tensor, Tensor] | None = None

    def forward(self, values: Tensor) -> Tensor:
        outputs: Tensor = self.activation(values)
        if not torch.is_grad_enabled():
            self.before = values, outputs
        elif self.before is not None:
            return _Quotient.apply(values, outputs.detach(), *self.before)  # type: ignore[no-any-return]
        return outputs


class _Quotient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, y: Tensor, z_before: Tensor, y_before: Tensor) -> Tensor:
        change = z - z_before
        slope = (y - y_before).div_(change)
        small = change.abs_() < SMALLEST_DIFFERENCE
        if bool(small.any()):
            slope = torch.where(small, ((z > 0) & (y == z)).to(z.dtype), slope)
        ctx.save_for_backward(slope)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None, None, None


def rescale_copy(classifier: Classifier) -> fx.GraphModule:
    """A copy with batch norm folded, and `Rescale` for every activation.

    MaxPools are made of ReLUs: a rule for the whole window would lose what flows between windows
    that overlap.
    """
    traced = own_activations(trace(classifier.private_copy())[0])
    fold_batch_norm(traced)
    for node in list(traced.graph.nodes):
        module = module_at(traced, node)
        if isinstance(module, nn.MaxPool2d):
            replace(traced, node, PairwiseMaxPool(module, Rescale))
        elif isinstance(module, nn.ReLU):
            replace(traced, node, Rescale(module))
    traced.recompile()
    traced.delete_all_unused_submodules()
    return traced
