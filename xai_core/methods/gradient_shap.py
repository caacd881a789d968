"""GradientSHAP: expected gradients between the image and random baselines."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import Saliency
from torch import Tensor

from xai_core.methods._baselines import fixed_baseline, uniform_noise
from xai_core.methods._gradients import GradientMethod, each_image, leaf, logit_change
from xai_core.methods.base import Diagnostics, SignedPixels
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class GradientSHAP(GradientMethod, SignedPixels):
    """Mean of (x - x') d logit_c / d x at random points between the image and random baselines.

    1/n sum_i (x - x'_i) * d logit_c(x'_i + a_i (x - x'_i)) / d x, summed over the colours, for
    baselines x'_i and a_i drawn evenly from 0 to 1. It estimates Integrated Gradients averaged
    over the baselines; the `completeness_error` (in logits) falls with `samples`.
    """

    title = "GradientSHAP"
    reference = "Lundberg and Lee, NeurIPS 2017; Erion et al., arXiv 1906.10670"
    family = "SHAP"
    formula = (
        r"M_c = \mathbb{E}_{x', \alpha}\left[ (x - x') "
        r"\frac{\partial z_c(x' + \alpha (x - x'))}{\partial x} \right]"
    )
    caveat = (
        "It is an estimate: with few samples another seed gives another map, and the choice of "
        "baselines decides what counts as absent."
    )
    signed = True
    backed_by = "captum"

    samples: int = setting(50, "random points", low=1, high=2000)
    baseline: str = setting(
        "uniform",
        "what the image is compared with: noise, black, its mean colour, or itself blurred",
        choices=("uniform", "black", "mean", "blurred"),
    )
    seed: int = setting(0, "seed of the points and of the noise", low=0)
    batch_size: int = setting(8, "points at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return 3 * self.samples

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        captum = Saliency(batch.classifier.logits)
        errors = torch.zeros(targets.shape, device=targets.device)

        def explain(index: int, classes: Tensor) -> Tensor:
            image = batch.images[index : index + 1]
            maps = torch.zeros(len(classes), *image.shape[2:], device=image.device)
            change = torch.zeros(len(classes), device=image.device)
            generator = batch.generator(self.seed, index)
            for start in range(0, self.samples, self.batch_size):
                count = min(self.batch_size, self.samples - start)
                baselines, points = self._draw(image, count, batch.classifier, generator)
                for row, target in enumerate(classes.tolist()):
                    gradients = captum.attribute(leaf(points), target, abs=False)
                    maps[row] += ((image - baselines) * gradients).sum(dim=(0, 1)) / self.samples
                logits = logit_change(batch.classifier, image, baselines)[:, classes]
                change += logits.sum(dim=0) / self.samples
            errors[index] = (maps.sum(dim=(1, 2)) - change).abs()
            return maps

        maps = each_image(batch, targets, explain)
        diagnostics["completeness_error"] = errors
        return maps

    def _draw(
        self, image: Tensor, count: int, classifier: Classifier, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Baselines (count, 3, H, W) and a random point between each of them and the image."""
        baselines, points = [], []
        for _ in range(count):  # one at a time, so that the batch size changes nothing
            if self.baseline == "uniform":
                baseline = uniform_noise(image, classifier.form, generator)
            else:
                baseline = fixed_baseline(self.baseline, image, classifier.form)
            share = float(torch.rand((), generator=generator))
            baselines.append(baseline)
            points.append(baseline + share * (image - baseline))
        return torch.cat(baselines), torch.cat(points)
