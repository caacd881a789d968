"""Occlusion: what the score loses when a square is covered."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import Tensor

from xai_core.methods._baselines import fixed_baseline
from xai_core.methods._gradients import each_image
from xai_core.methods._surrogate import RememberedOutputs
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class Occlusion(Method):
    """The mean loss of the logit over all positions of a square that cover the pixel.

    M(x, y) = mean over squares q containing (x, y) of f_c(image) - f_c(image with q covered);
    the square moves by its stride.
    """

    title = "Occlusion"
    reference = "Zeiler and Fergus, ECCV 2014, arXiv 1311.2901"
    family = "perturbation"
    formula = (
        r"M_c(x,y) = \frac{1}{|\{q \ni (x,y)\}|} \sum_{q \ni (x,y)} "
        r"\left(z_c(x) - z_c(x \setminus q)\right)"
    )
    caveat = (
        "The covered square is itself something to see, and evidence larger than the square or "
        "shown twice is missed."
    )
    signed = True
    backed_by = "captum"

    window: float = setting(0.15, "side of the square, of the image's side", low=0.02, high=1.0)
    stride: float = setting(0.5, "step of the square, of its own side", low=0.05, high=1.0)
    fill: str = setting(
        "mean",
        "what covers: black, the image's mean colour, or the image blurred",
        choices=("black", "mean", "blurred"),
    )
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        side = min(classifier.form.shape[1:])
        window, step = self._pixels(side)
        return float((1 + -(-(side - window) // step)) ** 2 + 1)

    def _pixels(self, side: int) -> tuple[int, int]:
        window = min(side, max(1, round(self.window * side)))
        return window, max(1, round(self.stride * window))

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        window, step = self._pixels(min(batch.images.shape[-2:]))

        def explain(index: int, classes: Tensor) -> Tensor:
            image = batch.images[index : index + 1]
            cover = fixed_baseline(self.fill, image, batch.classifier.form)
            outputs = RememberedOutputs(batch.classifier, "logit")
            captum = CaptumOcclusion(outputs)
            maps = []
            for target in classes.tolist():
                outputs.rewind()
                attributions = captum.attribute(
                    image,
                    (image.shape[1], window, window),
                    (image.shape[1], step, step),
                    cover,
                    target,
                    perturbations_per_eval=self.batch_size,
                )
                maps.append(attributions[0, 0])
            return torch.stack(maps)

        return each_image(batch, targets, explain)
