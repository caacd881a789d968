"""LIME: a linear model of what hiding superpixels does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import Lime
from torch import Tensor

from xai_core.images.superpixels import Slic
from xai_core.methods._gradients import each_image
from xai_core.methods._surrogate import (
    FILL_HELP,
    FILLS,
    RememberedOutputs,
    WeightedRidge,
    hidden_by,
    undisturbed_random,
)
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class LIME(Method):
    """Coefficients a of a ridge regression of the class probability on the superpixels shown.

    min_{a,b} sum_z p(z) (f_c(z) - b - a . z)^2 + alpha |a|^2 over random z in {0,1}^R, each of
    the R superpixels shown with probability 1/2; f_c(z) is the output for the image with the
    superpixels z_s = 0 hidden, and p(z) = exp(-(1 - cos(z, 1))^2 / (2 width^2)). The surrogate's
    weighted R^2 is reported as `r2`.
    """

    title = "LIME"
    reference = "Ribeiro et al., KDD 2016, arXiv 1602.04938"
    family = "perturbation"
    formula = (
        r"\min_{a,b} \sum_z e^{-\frac{(1-\cos(z,\mathbf{1}))^2}{2\sigma^2}} "
        r"\left(f_c(z) - b - a^\top z\right)^2 + \alpha \lVert a \rVert^2"
    )
    caveat = (
        "It is a linear fit to random samples: a low R² means that the fit does not describe the "
        "model, and too few samples mean that another seed gives another map."
    )
    signed = True
    backed_by = "captum"

    samples: int = setting(500, "images with superpixels hidden at random", low=10, high=20000)
    segments: int = setting(50, "number of superpixels", low=5, high=400)
    compactness: float = setting(10.0, "squareness of the superpixels", low=0.1, high=100.0)
    fill: str = setting("region", FILL_HELP, choices=FILLS)
    kernel_width: float = setting(
        0.25, "how fast images with more hidden count less", low=0.01, high=10.0
    )
    ridge: float = setting(1.0, "penalty on the coefficients", low=0.0001, high=1000.0)
    output: str = setting(
        "probability", "what is explained: the class probability or its logit",
        choices=("probability", "logit"),
    )  # fmt: skip
    seed: int = setting(0, "seed of the samples", low=0)
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return self.samples

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        segments = batch.segments(Slic(self.segments, self.compactness))
        fits = torch.zeros(targets.shape, device=targets.device)

        def explain(index: int, classes: Tensor) -> Tensor:
            image, regions = batch.images[index : index + 1], segments[index : index + 1]
            hidden = hidden_by(self.fill, image, regions, batch.classifier)
            outputs = RememberedOutputs(batch.classifier, self.output)
            maps = []
            for column, target in enumerate(classes.tolist()):
                outputs.rewind()
                generator = batch.generator(self.seed, index)
                surrogate = WeightedRidge(self.ridge)
                captum = Lime(outputs, surrogate, self._similarity, _coin_flips(generator))
                captum.attribute(
                    image,
                    hidden,
                    target,
                    feature_mask=regions[:, None],
                    n_samples=self.samples,
                    perturbations_per_eval=self.batch_size,
                    return_input_shape=False,
                )
                maps.append(surrogate.representation()[0].to(image.device)[regions[0]])
                fits[index, column] = surrogate.r2
            return torch.stack(maps)

        with undisturbed_random():
            maps = each_image(batch, targets, explain)
        diagnostics["r2"] = fits
        return maps

    def _similarity(self, image: Tensor, shown: Tensor, z: Tensor, **_: Any) -> Tensor:
        cosine = z.double().mean(dim=1).sqrt()
        return torch.exp(-((1 - cosine) ** 2) / (2 * self.kernel_width**2))


def _coin_flips(generator: torch.Generator) -> Any:
    def flips(image: Tensor, num_interp_features: int, **_: Any) -> Tensor:
        return torch.randint(2, (1, num_interp_features), generator=generator).to(image.device)

    return flips
