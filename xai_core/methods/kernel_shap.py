"""KernelSHAP: Shapley values of the superpixels, by weighted regression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import KernelShap
from torch import Tensor

from xai_core.images.superpixels import Slic
from xai_core.methods._gradients import each_image
from xai_core.methods._surrogate import (
    FILL_HELP,
    FILLS,
    RememberedOutputs,
    ShapleyRegression,
    hidden_by,
    undisturbed_random,
)
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class KernelSHAP(Method):
    """Shapley values phi of the superpixels for the logit, from random coalitions of them.

    Weighted least squares of f_c(z) on z in {0,1}^R over coalitions drawn by the Shapley kernel
    (R - 1) / (C(R, |z|) |z| (R - |z|)), with sum phi = f_c(all shown) - f_c(all hidden) enforced;
    how far the sum is off is reported as `efficiency_error`, the fit as `r2`. With fewer coalitions
    than superpixels the solution closest to equal shares is taken, which fits them exactly.
    """

    title = "KernelSHAP"
    reference = "Lundberg and Lee, NeurIPS 2017, arXiv 1705.07874"
    family = "SHAP"
    formula = (
        r"\phi_s = \sum_{S \not\ni s} \frac{|S|!\,(R - |S| - 1)!}{R!} "
        r"\left(f_c(S \cup \{s\}) - f_c(S)\right)"
    )
    caveat = (
        "It is an estimate from random coalitions: with few samples another seed gives another "
        "map, and hidden superpixels make images that the model has never seen."
    )
    signed = True
    revision = 2
    backed_by = "captum"

    samples: int = setting(500, "coalitions of superpixels", low=10, high=20000)
    segments: int = setting(50, "number of superpixels", low=5, high=400)
    compactness: float = setting(10.0, "squareness of the superpixels", low=0.1, high=100.0)
    fill: str = setting("region", FILL_HELP, choices=FILLS)
    output: str = setting(
        "logit",
        "what is explained: the logit or the class probability",
        choices=("logit", "probability"),
    )
    seed: int = setting(0, "seed of the coalitions", low=0)
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return self.samples

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        segments = batch.segments(Slic(self.segments, self.compactness))
        fits, errors = torch.zeros(2, *targets.shape, device=targets.device)

        def explain(index: int, classes: Tensor) -> Tensor:
            image, regions = batch.images[index : index + 1], segments[index : index + 1]
            hidden = hidden_by(self.fill, image, regions, batch.classifier)
            outputs = RememberedOutputs(batch.classifier, self.output)
            if not int(regions.max()):  # one superpixel has all of the change
                change = (outputs(image) - outputs(hidden))[0, classes]
                return change[:, None, None].expand(-1, *image.shape[2:])
            maps = []
            for column, target in enumerate(classes.tolist()):
                outputs.rewind()
                captum = KernelShap(outputs)
                captum.interpretable_model = surrogate = ShapleyRegression()
                captum.perturb_func = _coalitions(batch.generator(self.seed, index))
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
                errors[index, column] = surrogate.efficiency_error
            return torch.stack(maps)

        with undisturbed_random():
            maps = each_image(batch, targets, explain)
        diagnostics["r2"], diagnostics["efficiency_error"] = fits, errors
        return maps


def _coalitions(generator: torch.Generator) -> Any:
    """All, none, then coalitions z: their size by the Shapley kernel, their members at random."""

    def draw(image: Tensor, num_interp_features: int, **_: Any) -> Iterator[Tensor]:
        count = num_interp_features
        yield torch.ones(1, count, dtype=torch.long, device=image.device)
        yield torch.zeros(1, count, dtype=torch.long, device=image.device)
        sizes = torch.arange(1, count, dtype=torch.double)
        odds = 1 / (sizes * (count - sizes))
        while True:
            size = 1 + int(torch.multinomial(odds, 1, generator=generator))
            chosen = torch.randperm(count, generator=generator)[:size]
            z = torch.zeros(1, count, dtype=torch.long)
            z[0, chosen] = 1
            yield z.to(image.device)

    return draw
