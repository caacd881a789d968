"""Random: the map that knows nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Diagnostics, Method
from xai_core.models.batch import Batch
from xai_core.recipe import setting

CELLS = 7


@dataclass(frozen=True)
class Random(Method):
    """Independent values, drawn evenly from 0 to 1: for every pixel, or on a 7 x 7 grid.

    The grid is enlarged like CAM's, which makes it as smooth as CAM. The map depends on the seed
    and the image, not on the class or the model.
    """

    title = "Random"
    reference = "null baseline of this project"
    family = "baseline"
    formula = r"M(x,y) \sim U(0, 1)"
    caveat = (
        "It explains nothing. A method that does not beat it on a metric has shown nothing there, "
        "and a metric that ranks it high measures something else than meant."
    )
    signed = False
    cost = 0
    class_sensitive = False
    wording = (("grain=cell", "7 x 7 cells"),)

    grain: str = setting(
        "pixel", "one value for every pixel, or for every cell of a 7 x 7 grid",
        choices=("pixel", "cell"),
    )  # fmt: skip
    seed: int = setting(0, "seed of the values", low=0)

    def _maps(self, batch: Batch, targets: Tensor, diagnostics: Diagnostics) -> Tensor:
        size = batch.images.shape[-2:] if self.grain == "pixel" else (CELLS, CELLS)
        values = [
            torch.rand(size, generator=batch.generator(self.seed, index))
            for index in range(len(batch))
        ]
        maps = torch.stack(values).to(batch.images.device)
        return maps[:, None].expand(-1, targets.shape[1], -1, -1)
