"""LRP: the logit handed back layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import LRP as CaptumLRP
from torch import Tensor, fx

from xai_core.methods._gradients import leaf
from xai_core.methods._relevance import KNOWN, attach_rules, forget_activations, relevance_copy
from xai_core.methods._rewrite import beyond, rewritten
from xai_core.methods.base import Diagnostics, SignedPixels
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting

TOLERANCE = 1e-4
"""Largest difference between the rewritten and the original logits, relative to their size."""


@dataclass(frozen=True)
class LRP(SignedPixels):
    """The logit, divided among the inputs of each layer in proportion to what they contributed.

    R_i = sum_j a_i w_ij / (z_j + epsilon sign z_j) R_j from layer to layer, with positive weights
    alone (alpha1-beta0) in the `early` share of the convolutions. Relevance, the `bias_share` and
    the `conservation_error` (what epsilon keeps, in logits) add up to the logit.
    """

    title = "LRP"
    reference = "Bach et al., PLOS ONE 10(7), 2015; Montavon et al., Explainable AI, Springer 2019"
    family = "LRP"
    formula = r"R_i = \sum_j \frac{a_i w_{ij}}{z_j + \epsilon \, \mathrm{sign} z_j} R_j"
    caveat = (
        "Biases keep a share of the relevance, often most of it in trained residual models, and "
        "with positive weights alone the map hardly depends on the class."
    )
    signed = True
    cost = 5
    backed_by = "captum"

    early: float = setting(
        0.5,
        "share of the convolutions, from the input on, of which those before a ReLU pass relevance "
        "along positive weights only; 0 for the epsilon rule everywhere",
        low=0.0,
        high=1.0,
    )
    epsilon: float = setting(
        1e-6, "added to every denominator; larger values drop weak relevance", low=1e-9, high=1.0
    )
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def unfit(self, classifier: Classifier) -> str | None:
        if not classifier.is_repeatable:
            return (
                f"LRP checks that its rewritten copy gives the same logits, and {classifier.name} "
                "answers the same image differently each time. Use grad_cam or saliency."
            )
        return beyond(classifier, self.title, KNOWN)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        maps = torch.zeros(*targets.shape, *batch.images.shape[2:], device=targets.device)
        shares = torch.zeros(targets.shape, device=targets.device)
        images = batch.images.contiguous(memory_format=batch.classifier.memory_format)
        with rewritten(batch.classifier, relevance_copy) as network:
            scores = self._checked_logits(batch, images, network).gather(1, targets)
            for start in range(0, len(batch), self.batch_size):
                part = slice(start, start + self.batch_size)
                for column, classes in enumerate(targets[part].T):
                    biases = attach_rules(network, self.epsilon, self.early)
                    captum = CaptumLRP(network)
                    relevance = captum.attribute(leaf(images[part]), classes)
                    forget_activations(network)
                    maps[part, column] = relevance.detach().sum(dim=1)
                    shares[part, column] = sum(biases) * scores[part, column]
        diagnostics["bias_share"] = shares
        diagnostics["conservation_error"] = (maps.sum(dim=(2, 3)) + shares - scores).abs()
        return maps

    def _checked_logits(self, batch: Batch, images: Tensor, network: fx.GraphModule) -> Tensor:
        with torch.no_grad():
            parts = torch.split(images, self.batch_size)
            logits = torch.cat([network(part) for part in parts])
        error = float((logits - batch.logits).abs().max())
        if error > TOLERANCE * max(1.0, float(batch.logits.abs().max())):
            raise ValueError(
                f"LRP cannot explain {batch.classifier.name}: its rewritten copy gives logits that "
                f"differ from the original's by {error:.2g}"
            )
        return logits
