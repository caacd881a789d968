"""Curriculum: the pools of training scenes and the phases that Orchard's models learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xai_core.orchard.pool import training_pool
from xai_core.training.trainer import Phase

SMALLEST_PX, SMALL_PX, FULL_PX = 96, 128, 224
VALIDATION_SEED = 1_000_000


class RenderedScenes:
    """Rendered training scenes in memory: `read(index)` gives (3, S, S) uint8."""

    def __init__(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        self._images = images
        self.labels: Tensor = torch.from_numpy(np.array(labels, dtype=np.int64))

    def read(self, index: int) -> Tensor:
        return torch.from_numpy(np.array(self._images[index])).permute(2, 0, 1)


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
        images, labels, _ = training_pool(
            count, size, first_seed, cache, workers=workers, progress=progress, scenes=kind
        )
        return RenderedScenes(images, labels)

    phases = []
    if coarse_epochs or epochs:
        pool = rendered(scenes, SMALL_PX, seed)
        phases.append(Phase(pool, SMALLEST_PX, coarse_epochs))
        phases.append(Phase(pool, SMALL_PX, epochs))
    if finish_epochs:
        phases.append(Phase(rendered(finish_scenes, FULL_PX, seed + 1), FULL_PX, finish_epochs))
    phases = [phase for phase in phases if phase.epochs]
    validation = rendered(240 if kind == "orchard" else 100, FULL_PX, VALIDATION_SEED)
    return phases, validation
