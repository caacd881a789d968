"""Shards: one run as several, each a run folder of its own below it, and one again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xai_core.evaluation.described import FIXED
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.status import load_status, only_run
from xai_core.evaluation.store import Store

FOLDER = "shards"
_SPELT = re.compile(r"(\d+)/(\d+)").fullmatch
_NAMED = re.compile(r"(\d+)-of-(\d+)").fullmatch


@dataclass(frozen=True)
class Shard:
    """The `number`th (from 1) of `count` shards: every `count`th unit of images."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `2/8`; raises ValueError."""
        found = _SPELT(text)
        shard = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f"--shard {text}: spell it I/N with I from 1 to N, e.g. 1/8")
        return shard

    def folder(self, run_dir: Path) -> Path:
        return run_dir / FOLDER / f"{self.number}-of-{self.count}"


def merge_shards(run_dir: Path, show: Callable[[str, float], object] = lambda t, p: None) -> int:
    """Put what all shards have finished into `run_dir`; gives their number.

    What the folder holds before stays. Raises RunFolderError where a shard is missing, unfinished
    or of another run.
    """
    folders = _complete(run_dir)
    manifests = [load_manifest(folder) for folder in folders]
    here = [load_manifest(run_dir)] if (run_dir / "manifest.json").is_file() else []
    merged = _merged([*here, *manifests], [run_dir, *folders] if here else folders)
    with only_run(run_dir):
        store = Store(run_dir)
        for number, folder in enumerate(folders, 1):
            with only_run(folder):
                store.adopt(folder)
            show(f"shard {number} of {len(folders)}", number / len(folders))
        store.write_manifest(merged)
        if problems := store.compact():
            raise RunFolderError(f"{run_dir}: {problems[0]}: run the same command again")
    return len(folders)


def _complete(run_dir: Path) -> list[Path]:
    """The shards' folders in order; raises RunFolderError unless all are there and done."""
    named = {path: _NAMED(path.name) for path in (run_dir / FOLDER).glob("*-of-*")}
    counts = {int(found[2]) for found in named.values() if found}
    if len(counts) != 1:
        has = "has shards of several divisions" if counts else "has no shards"
        raise RunFolderError(f"{run_dir}: {has}; compute all of one division with --shard I/N")
    (count,) = counts
    folders = [Shard(number, count).folder(run_dir) for number in range(1, count + 1)]
    missing = [
        str(number)
        for number, folder in enumerate(folders, 1)
        if (load_status(folder) or {}).get("state") != "done"
    ]
    if missing:
        raise RunFolderError(
            f"{run_dir}: shards that are not finished: {', '.join(missing)} of {count}; run them "
            "(again) with --shard, then merge"
        )
    return folders


def _merged(manifests: list[Manifest], folders: list[Path]) -> Manifest:
    first = manifests[0]
    for manifest, folder in zip(manifests, folders, strict=True):
        for name in FIXED:
            if getattr(manifest, name) != getattr(first, name):
                raise RunFolderError(
                    f"{folder}: holds a run with another {name} than {folders[0]}; "
                    "shards must be of one run"
                )
    first.methods = {k: v for m in manifests for k, v in m.methods.items()}
    first.metrics = {k: v for m in manifests for k, v in m.metrics.items()}
    first.devices = sorted({device for m in manifests for device in m.devices})
    first.forward_size = min(m.forward_size for m in manifests)
    first.asked = max(m.asked for m in manifests)
    first.images, first.bad_images = [], {}
    return first
