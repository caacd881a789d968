"""Curriculum: the pools of training scenes and the phases that Orchard's models learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xai_core.orchard.pool import Pool, training_pool
from xai_core.training.trainer import Phase

SMALLEST_PX, SMALL_PX, FULL_PX = 96, 128, 224
VALIDATION_SEED = 1_000_000
CHECKED = {"orchard": 240, "orchard_mixed": 480}
"""Validation scenes by kind of scenes; 100 where there are stickers."""


class RenderedScenes:
    """Drawn training scenes as training data: `read(index)` gives (3, S, S) uint8."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.labels: Tensor = labels_of(torch.from_numpy(np.array(pool.shown, dtype=np.bool_)))

    def read(self, index: int) -> Tensor:
        return torch.from_numpy(np.array(self.pool.images[index])).permute(2, 0, 1)


def labels_of(shown: Tensor) -> Tensor:
    """(N, K) bool of the classes in each image -> (N,) indices where each has one class, else
    (N, K) probabilities: equal shares."""
    if bool((shown.sum(dim=1) == 1).all()):
        return shown.long().argmax(dim=1)
    return shown.float() / shown.sum(dim=1, keepdim=True)


def orchard_phases(
    cache: Path,
    scenes: int,
    coarse_epochs: int,
    epochs: int,
    finish_scenes: int,
    finish_epochs: int,
    seed: int,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    kind: str = "orchard",
) -> tuple[list[Phase], RenderedScenes]:
    """Epochs at 96 px and at 128 px on a large pool, then some at 224 px on a smaller one.

    Also gives the validation scenes, which are drawn from other seeds. `kind` names the scenes in
    `pool.SCENES`: plain ones, or those with stickers.
    The pools are rendered once into `cache` and continued there when interrupted.
    """

    def rendered(count: int, size: int, first_seed: int) -> RenderedScenes:
        pool = training_pool(
            count, size, first_seed, cache, workers=workers, progress=progress, scenes=kind
        )
        return RenderedScenes(pool)

    phases = []
    if coarse_epochs or epochs:
        pool = rendered(scenes, SMALL_PX, seed)
        phases.append(Phase(pool, SMALLEST_PX, coarse_epochs))
        phases.append(Phase(pool, SMALL_PX, epochs))
    if finish_epochs:
        phases.append(Phase(rendered(finish_scenes, FULL_PX, seed + 1), FULL_PX, finish_epochs))
    phases = [phase for phase in phases if phase.epochs]
    validation = rendered(CHECKED.get(kind, 100), FULL_PX, VALIDATION_SEED)
    return phases, validation
