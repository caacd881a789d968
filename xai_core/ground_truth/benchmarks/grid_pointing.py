"""Grid pointing: in a mosaic of four images, does the map lie on the one with the class?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks.base import Benchmark
from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Scores


@dataclass(frozen=True)
class GridPointing(Benchmark):
    """sum over the cell of the target class of max(M, 0) / sum over the mosaic of max(M, 0).

    A mosaic is 2 x 2 images of different classes that the model is sure of; chance is 1/4.
    """

    title = "Grid pointing"
    reference = "Böhle et al., CVPR 2021, arXiv 2104.00032; Rao et al., CVPR 2022, arXiv 2205.10435"
    images = "mosaics"
    bounds = (0.0, 1.0)
    needs_masks = True
    formula = r"\frac{\sum_{p \in \mathrm{cell}} \max(M_p, 0)}{\sum_p \max(M_p, 0)}"
    caveat = (
        "Mosaics are unlike the images the model was trained on; a coarse map spills over "
        "the cell's border and cannot reach 1."
    )

    def known_answer(self, case: Case) -> Tensor:
        return masks_of(case).to(case.maps)

    def _score(self, case: Case) -> Scores:
        positive = case.maps.flatten(1).double().clamp(min=0)
        inside = (positive * masks_of(case).flatten(1)).sum(dim=1)
        total = positive.sum(dim=1)
        values = torch.where(total > 0, inside / total, torch.nan)
        return with_reasons(case, values, total <= 0, "the map has no positive value")
