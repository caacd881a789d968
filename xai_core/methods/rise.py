"""RISE: the mean of random masks, weighted by how far the score behind them is above average."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from xai_core.methods._gradients import each_image
from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class RISE(Method):
    """The mean of soft random masks m, weighted by the class probability f of the masked image.

    M_c = 1 / (p n) sum_i (f_c(x * m_i) - mean f_c) m_i over n masks; each is a grid of cells shown
    with probability p, enlarged bilinearly and shifted at random. Without the mean, which the
    paper keeps, every pixel would have mean f_c on top, whatever it shows. Hidden is 0 after
    normalisation: the mean colour of the training data.
    """

    title = "RISE"
    reference = "Petsiuk et al., BMVC 2018, arXiv 1806.07421"
    family = "perturbation"
    formula = r"M_c = \frac{1}{p\,n} \sum_{i=1}^{n} \left(f_c(x \odot m_i) - \bar{f}_c\right) m_i"
    caveat = (
        "With few masks the map is mostly the noise of the masks; the paper uses 4,000 or more, "
        "and small objects need finer cells and more masks."
    )
    signed = True
    revision = 2

    samples: int = setting(1000, "random masks", low=10, high=20000)
    cells: int = setting(7, "cells along each side of a mask", low=2, high=32)
    shown: float = setting(0.5, "probability that a cell is shown", low=0.05, high=0.95)
    seed: int = setting(0, "seed of the masks", low=0)
    batch_size: int = setting(8, "images at a time", low=1, high=256, changes_result=False)

    def passes(self, classifier: Classifier) -> float:
        return self.samples

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        def explain(index: int, classes: Tensor) -> Tensor:
            image, generator = batch.images[index], batch.generator(self.seed, index)
            height, width = image.shape[1:]
            weighted = torch.zeros(len(classes), height, width, device=image.device)
            shown = torch.zeros(height, width, device=image.device)
            scores: list[Tensor] = []
            for start in range(0, self.samples, self.batch_size):
                count = min(self.batch_size, self.samples - start)
                masks = [self._mask(height, width, generator) for _ in range(count)]
                windows = torch.stack(masks)[:, None].to(image)
                masked = (windows * image).contiguous(memory_format=torch.channels_last)
                with torch.no_grad():
                    logits = batch.classifier.logits(masked)
                    scores.append(batch.classifier.probabilities(logits)[:, classes])
                # Differences from the first score: what all scores share never enters the sums.
                above = scores[-1] - scores[0][0]
                weighted += torch.einsum("bt,bhw->thw", above, windows[:, 0])
                shown += windows[:, 0].sum(dim=0)
            mean = (torch.cat(scores) - scores[0][0]).mean(dim=0)
            return (weighted - mean[:, None, None] * shown) / (self.shown * self.samples)

        return each_image(batch, targets, explain)

    def _mask(self, height: int, width: int, generator: torch.Generator) -> Tensor:
        """One soft mask (height, width): a random grid, a cell larger than needed, and shifted."""
        grid = torch.rand(self.cells, self.cells, generator=generator) < self.shown
        cell_h, cell_w = -(-height // self.cells), -(-width // self.cells)
        size = [(self.cells + 1) * cell_h, (self.cells + 1) * cell_w]
        large = functional.interpolate(
            grid[None, None].float(), size=size, mode="bilinear", align_corners=False
        )[0, 0]
        top = int(torch.randint(cell_h, (), generator=generator))
        left = int(torch.randint(cell_w, (), generator=generator))
        return large[top : top + height, left : left + width]
