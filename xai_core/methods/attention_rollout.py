"""Attention rollout: attention multiplied through the layers of a vision transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xai_core.methods._gradients import leaf
from xai_core.methods._tokens import attention_and_logits, is_transformer
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting

TOLERANCE = 1e-3
"""Largest difference from the model's own logits, relative to their size."""


@dataclass(frozen=True)
class AttentionRollout(Method):
    """How much of every patch reaches the class token: the row of R = prod_l A_l.

    Plain: A_l = (mean over heads of the attention + I) / 2, class-agnostic. Gradient-weighted:
    R <- R + mean over heads of relu(attention * d logit_c / d attention) R, for the class.
    """

    title = "Attention rollout"
    reference = (
        "Abnar and Zuidema, ACL 2020, arXiv 2005.00928; Chefer et al., ICCV 2021, arXiv 2103.15679"
    )
    family = "attention"
    formula = (
        r"R = \prod_l \tfrac{1}{2}\left(\bar{A}_l + I\right),\quad "
        r"M(p) = R_{\mathrm{cls}, p}"
    )
    caveat = (
        "Attention is not the whole model: values, residuals and MLPs are ignored, and without "
        "gradients the map is the same for every class."
    )
    signed = False
    class_sensitive = False  # the default; with gradients it depends on the class

    gradients: bool = setting(False, "weight the attention by its gradient for the class")
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        if is_transformer(classifier):
            return None
        return (
            f"{classifier.name} is no vision transformer of torchvision, so it has no attention "
            "to follow. Use activation_attention, or a model such as vit_b_16."
        )

    def passes(self, classifier: Classifier) -> float:
        return 3 if self.gradients else 1

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        parts = range(0, len(batch), self.batch_size)
        rows = [
            self._rolled(batch, targets, slice(start, start + self.batch_size)) for start in parts
        ]
        maps = torch.cat(rows)[:, :, 1:]
        side = round(maps.shape[2] ** 0.5)
        return maps.view(*targets.shape, side, side)

    def _rolled(self, batch: Batch, targets: Tensor, part: slice) -> Tensor:
        """The class token's row (n, T, S) for a part of the batch."""
        network: Any = batch.classifier.network
        with torch.set_grad_enabled(self.gradients):
            attentions, logits = attention_and_logits(network, leaf(batch.images[part]))
            error = float((logits.detach() - batch.logits[part]).abs().max())
            if error > TOLERANCE * max(1.0, float(batch.logits[part].abs().max())):
                raise ValueError(
                    f"{batch.classifier.name} does not compute its attention as vit_b_16 does "
                    f"(logits differ by {error:.2g}), so it cannot be followed"
                )
            if not self.gradients:
                rolled = _row([attention.mean(dim=1) for attention in attentions], halved=True)
                return rolled[:, None].expand(-1, targets.shape[1], -1)
            rows = []
            for column in targets[part].T:
                score = logits.gather(1, column[:, None]).sum()
                slopes = torch.autograd.grad(score, attentions, retain_graph=True)
                weighted = [
                    (attention * slope).relu().mean(dim=1).detach()
                    for attention, slope in zip(attentions, slopes, strict=True)
                ]
                rows.append(_row(weighted, halved=False))
        return torch.stack(rows, dim=1)


def _row(attentions: list[Tensor], *, halved: bool) -> Tensor:
    """The class token's row (n, S) of the product of A_l + I, halved or not, first layer last."""
    count = attentions[0].shape[-1]
    row = torch.eye(count)[:1].to(attentions[0]).expand(len(attentions[0]), 1, count)
    for attention in reversed(attentions):
        row = (row + row @ attention) / (2 if halved else 1)
    return row[:, 0]
