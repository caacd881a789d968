"""Integrated Gradients: gradients summed along the path from a baseline."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from torch import Tensor

from xai_core.methods._baselines import fixed_baseline, uniform_noise
from xai_core.methods._gradients import GradientMethod, each_image, leaf, logit_change
from xai_core.methods.base import Diagnostics, SignedPixels
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class IntegratedGradients(GradientMethod, SignedPixels):
    """(image - baseline) times the mean gradient between them, summed over the colours.

    IG_i = (x_i - x'_i) * integral_0^1 d f_c(x' + a (x - x')) / d x_i da with the image x, the
    baseline x' and the logit f_c. The map sums to f_c(x) - f_c(x'), up to the reported
    `completeness_error` (in logits), which falls with `steps`.
    """

    title = "Integrated Gradients"
    reference = "Sundararajan et al., ICML 2017, arXiv 1703.01365"
    family = "gradients"
    formula = (
        r"\mathrm{IG}_i = (x_i - x'_i) \int_0^1 "
        r"\frac{\partial z_c(x' + \alpha (x - x'))}{\partial x_i} \, d\alpha"
    )
    caveat = (
        "The map depends on the baseline: what has the baseline's colour gets nothing, so black "
        "objects vanish against a black baseline."
    )
    signed = True
    backed_by = "captum"

    steps: int = setting(50, "points on the path", low=1, high=300)
    baseline: str = setting(
        "black",
        "where the path starts: black, the image's mean colour, the image blurred, or noise",
        choices=("black", "mean", "blurred", "uniform"),
    )
    draws: int = setting(5, "noise baselines to average, for the uniform baseline", low=1, high=100)
    seed: int = setting(0, "seed of the noise, for the uniform baseline", low=0)
    batch_size: int = setting(8, "points at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return 3 * self.steps * (self.draws if self.baseline == "uniform" else 1)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        errors = torch.zeros(targets.shape, device=targets.device)
        captum = CaptumIntegratedGradients(batch.classifier.logits)

        def explain(index: int, classes: Tensor) -> Tensor:
            image = batch.images[index : index + 1]
            maps = torch.zeros(len(classes), *image.shape[2:], device=image.device)
            change = torch.zeros(len(classes), device=image.device)
            baselines = self._baselines(batch, index)
            for baseline in baselines:
                for row, target in enumerate(classes.tolist()):
                    attributions = captum.attribute(
                        leaf(image),
                        baseline,
                        target,
                        n_steps=self.steps,
                        internal_batch_size=self.batch_size,
                    )
                    maps[row] += attributions.detach()[0].sum(dim=0) / len(baselines)
                logits = logit_change(batch.classifier, image, baseline)[0]
                change += logits[classes] / len(baselines)
            errors[index] = (maps.sum(dim=(1, 2)) - change).abs()
            return maps

        maps = each_image(batch, targets, explain)
        diagnostics["completeness_error"] = errors
        return maps

    def _baselines(self, batch: Batch, index: int) -> list[Tensor]:
        image, form = batch.images[index : index + 1], batch.classifier.form
        if self.baseline != "uniform":
            return [fixed_baseline(self.baseline, image, form)]
        generator = batch.generator(self.seed, index)
        return [uniform_noise(image, form, generator) for _ in range(self.draws)]
