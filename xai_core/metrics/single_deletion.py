"""Single deletion: do the map's cells carry what the class score loses without them?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.images.regions import region_sums
from xai_core.images.superpixels import grid_labels
from xai_core.methods.base import Method
from xai_core.metrics._perturb import removal_logits
from xai_core.metrics._ranks import spearman
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer
from xai_core.recipe import setting

CELLS = 16


@dataclass(frozen=True)
class SingleDeletion(Metric):
    """Spearman correlation over the cells of a 4 x 4 grid of R_j = sum of the map in cell j
    and D_j = z_c(x) - z_c(x without cell j), where z_c is the logit of the target c.

    Meant for models that were trained with blanked cells; Orchard's were, on just this grid.
    """

    title = "Single deletion"
    reference = "Hesse et al., 2024, arXiv 2407.11910 (IDSDS)"
    kind = "faithfulness"
    higher_is_better = True
    needs_probabilities = True
    bounds = (-1.0, 1.0)
    formula = (
        r"\rho_{\mathrm{Spearman}}\left(\sum_{p \in j} M_p,\; z_c(x) - z_c(x_{\setminus j})\right)"
    )
    caveat = (
        "Holds for models that were trained with blanked cells; on others the holes themselves "
        "move the class score. Evidence that two cells share counts for neither."
    )

    imputer: str = setting("zero", "what fills the blanked cell", choices=("zero", "mean", "blur"))

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work(("single_deletion", self.imputer), CELLS, per_map=False),)

    def _score(self, case: Case) -> Scores:
        cells = _cells(case.batch)
        relevance = region_sums(case.maps[:, None].double(), cells)[0][:, 0]
        drop = case.of_target(case.batch.logits)[:, None] - case.of_target(
            self._logits(case.batch, cells)
        )
        values = spearman(relevance, drop).float()
        reason = "the map or the class score is the same for all cells"
        reasons = tuple(reason if undefined else "" for undefined in values.isnan().tolist())
        return Scores(values, reasons, removed=torch.full_like(values, 1 / CELLS))

    def _logits(self, batch: Batch, cells: Tensor) -> Tensor:
        flat = cells.flatten(1)
        return batch.once(
            ("single_deletion", self.imputer),
            lambda: removal_logits(
                batch,
                load_imputer(self.imputer),
                CELLS,
                lambda index, step: flat[index] == step[:, None],
            ),
        )


def _cells(batch: Batch) -> Tensor:
    """(N, H, W) the cell of every pixel, 0..15 in reading order."""
    height, width = batch.images.shape[-2:]
    labels = torch.from_numpy(grid_labels(height, width, CELLS))
    return labels.to(batch.images.device).expand(len(batch), -1, -1)
