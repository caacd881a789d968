"""SmoothGrad: the gradient averaged over noisy copies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import Saliency as CaptumSaliency
from torch import Tensor

from xai_core.methods._gradients import GradientMethod, each_image, leaf
from xai_core.methods.base import Diagnostics
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class SmoothGrad(GradientMethod):
    """The largest absolute value over the colours of the mean gradient of noisy copies.

    max_k |1/n sum_i d logit_c(x + e_i) / d x_k| with e_i drawn from a normal distribution whose
    standard deviation is `noise` times the range of the normalised image x.
    """

    title = "SmoothGrad"
    reference = "Smilkov et al., 2017, arXiv 1706.03825"
    family = "gradients"
    formula = (
        r"M_c = \max_k \left| \frac{1}{n} \sum_{i=1}^n \frac{\partial z_c(x + \epsilon_i)}"
        r"{\partial x_k} \right|,\quad \epsilon_i \sim \mathcal{N}(0, \sigma^2)"
    )
    caveat = (
        "It explains the model's behaviour on noisy images, which it may never have seen; more "
        "noise gives smoother maps of something else."
    )
    signed = False
    backed_by = "captum"

    samples: int = setting(25, "noisy copies", low=1, high=1000)
    noise: float = setting(
        0.15, "standard deviation of the noise, as a fraction of the range", low=0.0, high=2.0
    )
    seed: int = setting(0, "seed of the noise", low=0)
    batch_size: int = setting(8, "copies at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return 3 * self.samples

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        captum = CaptumSaliency(batch.classifier.logits)

        def explain(index: int, classes: Tensor) -> Tensor:
            image, generator = batch.images[index], batch.generator(self.seed, index)
            sigma = self.noise * (image.max() - image.min())
            total = torch.zeros(len(classes), *image.shape, device=image.device)
            for start in range(0, self.samples, self.batch_size):
                count = min(self.batch_size, self.samples - start)
                draws = [torch.randn(image.shape, generator=generator) for _ in range(count)]
                noise = torch.stack(draws).to(image)
                for row, target in enumerate(classes.tolist()):
                    gradients = captum.attribute(leaf(image + sigma * noise), target, abs=False)
                    total[row] += gradients.sum(dim=0) / self.samples
            return total.abs().amax(dim=1)

        return each_image(batch, targets, explain)
