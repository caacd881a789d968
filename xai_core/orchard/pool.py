"""A pool of rendered training scenes on disk: drawn once, in resumable chunks."""

from __future__ import annotations

import io
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xai_core.files import write_whole
from xai_core.orchard.mixture import mixed_scene
from xai_core.orchard.rendering import render, use_one_thread
from xai_core.orchard.sampling import training_scene
from xai_core.orchard.scene import CLASSES, SCENE_KINDS, Scene
from xai_core.orchard.shortcut import control_scene, shortcut_scene

CHUNK = 100
# raised whenever training scenes look different, so that old pools are not mixed with new ones
REVISION = 4
SCENES: dict[str, Callable[[int], Scene]] = {
    "orchard": training_scene,
    "orchard_mixed": mixed_scene,
    "orchard_shortcut": shortcut_scene,
    "orchard_control": control_scene,
}
_Job = tuple[Path, int, int, int, str]


@dataclass(frozen=True)
class Pool:
    """Drawn training scenes: `images` (N,S,S,3) uint8 (a read-only memmap), `shown` (N,K) which of
    CLASSES each may show, its `levels` (N,) and `kinds` (N,)."""

    images: NDArray[np.uint8]
    shown: NDArray[np.bool_]
    levels: NDArray[np.int64]
    kinds: NDArray[np.str_]


def training_pool(
    count: int,
    size: int,
    seed: int,
    cache_dir: str | Path,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    scenes: str = "orchard",
) -> Pool:
    """The first `count` scenes of a seed, drawn at `size` pixels.

    Chunks that are already in `cache_dir` are kept, so a killed call goes on where it stopped
    and a larger count extends a smaller one. `progress(done, count)` is called per chunk.
    Scene i is `SCENES[scenes](seed * 1_000_000 + i)`.
    """
    kind = "pool" if scenes == "orchard" else f"pool-{scenes}"
    folder = Path(cache_dir) / f"{kind}-r{REVISION}-{size}px-seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = folder / "images.u8"
    pixels.touch()
    bytes_each = size * size * 3
    chunks = -(-count // CHUNK)
    if pixels.stat().st_size < chunks * CHUNK * bytes_each:
        os.truncate(pixels, chunks * CHUNK * bytes_each)
    missing = [index for index in range(chunks) if not _labels_file(folder, index).exists()]
    jobs = [(folder, index, size, seed, scenes) for index in missing]
    done = (chunks - len(missing)) * CHUNK
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            done += _draw_chunk(job)
            if progress is not None:
                progress(min(done, count), count)
    else:
        with multiprocessing.get_context("spawn").Pool(workers, use_one_thread) as pool:
            for drawn in pool.imap_unordered(_draw_chunk, jobs):
                done += drawn
                if progress is not None:
                    progress(min(done, count), count)
    stored = [np.load(_labels_file(folder, index)) for index in range(chunks)]
    table = np.concatenate(stored)[:count]
    images = np.memmap(pixels, np.uint8, mode="r", shape=(chunks * CHUNK, size, size, 3))
    kinds = np.array(SCENE_KINDS)[table[:, -1]]
    return Pool(images[:count], table[:, :-2].astype(bool), table[:, -2].copy(), kinds)


def _labels_file(folder: Path, index: int) -> Path:
    return folder / f"chunk-{index:05d}.npy"


def _draw_chunk(job: _Job) -> int:
    """Draw one chunk into its rows of the shared file; its labels file says that it is whole."""
    folder, index, size, seed, scenes = job
    shape = (CHUNK, size, size, 3)
    offset = index * CHUNK * size * size * 3
    rows = np.memmap(folder / "images.u8", np.uint8, mode="r+", offset=offset, shape=shape)
    table = np.zeros((CHUNK, len(CLASSES) + 2), dtype=np.int64)
    for row in range(CHUNK):
        scene = SCENES[scenes](seed * 1_000_000 + index * CHUNK + row)
        rows[row] = render(scene, size).image
        table[row, :-2] = [name in scene.classes for name in CLASSES]
        table[row, -2:] = scene.level, SCENE_KINDS.index(scene.kind)
    rows.flush()
    saved = io.BytesIO()
    np.save(saved, table)
    write_whole(_labels_file(folder, index), saved.getvalue())
    return CHUNK
