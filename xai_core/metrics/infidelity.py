"""Infidelity: does the map foretell how the class score changes when patches are removed?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Method
from xai_core.metrics._perturb import removal_logits
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting


@dataclass(frozen=True)
class Infidelity(Metric):
    """min over b of E_S[(b sum over S of M - (z_c(x) - z_c(x without S)))^2], S random squares.

    z_c is the logit of the target c, so the unit is squared logits. The factor b makes the score
    independent of the map's scale. The squares depend on the image alone.
    """

    title = "Infidelity"
    reference = "Yeh et al., NeurIPS 2019, arXiv 1901.09392"
    kind = "faithfulness"
    higher_is_better = False
    bounds = (0.0, math.inf)
    formula = (
        r"\min_b \mathbb{E}_S\left[\left(b \sum_{p \in S} M_p"
        r" - \left(z_c(x) - z_c(x_{\setminus S})\right)\right)^2\right]"
    )
    caveat = (
        "Squared, so a few squares with a large effect decide, and images with large class scores "
        "weigh more in the mean."
    )

    samples: int = setting(48, "random squares for each image", low=2, high=2000)
    side: float = setting(0.25, "side of a square, as a share of the image's", low=0.01, high=0.9)
    imputer: str = setting(
        "zero", "what replaces a removed pixel", choices=("zero", "mean", "blur")
    )
    seed: int = setting(0, "seed of the squares", low=0, high=2**31)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work((self.name, self.key()), self.samples, per_map=False),)

    def _score(self, case: Case) -> Scores:
        batch = case.batch
        squares = self.squares(batch)
        without = batch.once(
            (self.name, self.key()),
            lambda: removal_logits(
                batch,
                load_imputer(self.imputer),
                self.samples,
                lambda index, step: squares[index, step],
            ),
        )
        drop = (case.of_target(batch.logits)[:, None] - case.of_target(without)).double()
        foretold = torch.einsum("nsp,np->ns", squares.double(), case.maps.flatten(1).double())
        power = foretold.square().mean(dim=1)
        factor = torch.where(power > 0, (foretold * drop).mean(dim=1) / power, torch.nan)
        values = (factor[:, None] * foretold - drop).square().mean(dim=1).float()
        reason = "the map is zero in all squares"
        return Scores(values, tuple(reason if bad else "" for bad in values.isnan().tolist()))

    def squares(self, batch: Batch) -> Tensor:
        """(N, samples, H*W) bool, each image's squares drawn by its own seed."""
        height, width = batch.images.shape[-2:]
        side = max(1, round(self.side * height))
        rows, columns = torch.arange(height), torch.arange(width)
        drawn = []
        for index in range(len(batch)):
            generator = batch.generator(self.seed, index)
            top = torch.randint(height - side + 1, (self.samples, 1), generator=generator)
            left = torch.randint(width - side + 1, (self.samples, 1), generator=generator)
            in_row = (rows >= top) & (rows < top + side)
            in_column = (columns >= left) & (columns < left + side)
            drawn.append((in_row[:, :, None] & in_column[:, None, :]).flatten(1))
        return torch.stack(drawn).to(batch.images.device)
