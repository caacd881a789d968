"""Expiry: what was deleted a day ago, uploads that no run uses, and visitors who are long gone."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from state.hosting import BY_SESSION

from runs import run_folders
from xai_core.evaluation.status import is_running
from xai_core.files import read_object

KEPT_SECONDS = 24 * 3600.0
TRASH, UPLOADS = ".trash", ".uploads"


@dataclass(frozen=True)
class Deleted:
    """A run that was deleted and can still be had back."""

    name: str
    folder: Path
    at: float

    @property
    def until(self) -> float:
        return self.at + KEPT_SECONDS


def throw_away(run_dir: Path) -> None:
    """Delete a run so that this can be undone for a day."""
    trash = run_dir.parent / TRASH
    trash.mkdir(exist_ok=True)
    run_dir.rename(trash / f"{run_dir.name}@{time.time_ns() // 1000}")


def deleted(home: Path) -> list[Deleted]:
    """What was deleted in a home, the last first."""
    found = []
    for folder in (home / TRASH).glob("*@*"):
        name, _, at = folder.name.rpartition("@")
        with contextlib.suppress(ValueError):
            found.append(Deleted(name, folder, int(at) / 1e6))
    return sorted(found, key=lambda one: -one.at)


def restore(one: Deleted) -> Path:
    """Undo a deletion; raises ValueError where a run has that name now."""
    back = one.folder.parent.parent / one.name
    if back.exists():
        raise ValueError(f"{one.name}: there is a run of this name already; rename it first")
    return one.folder.rename(back)


def expire() -> None:
    """Remove for good what nobody can have back, see or use any more."""
    for home in run_folders.homes():
        for one in deleted(home):
            if one.until < time.time():
                shutil.rmtree(one.folder, ignore_errors=True)
        used = _datasets_of(home)
        for folder in (home / UPLOADS).glob("*"):
            if _is_old(folder) and str(folder) not in used:
                shutil.rmtree(folder, ignore_errors=True)
        if home.name.startswith(f"{BY_SESSION}-") and _is_left(home):
            shutil.rmtree(home, ignore_errors=True)


def _datasets_of(home: Path) -> set[str]:
    """The image folders of a home's runs, also of those that may come back."""
    found = set()
    for path in (*home.glob("*/job.json"), *home.glob(f"{TRASH}/*/job.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found.add(str(read_object(path)["order"]["dataset"]))
    return found


def _is_old(folder: Path) -> bool:
    """Whether nothing directly in a folder has changed for a day."""
    times = []
    for path in (folder, *folder.glob("*")):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times, default=0.0) < time.time() - KEPT_SECONDS


def _is_left(home: Path) -> bool:
    """Whether the visitor of a browser tab has done nothing for a day: he has no way back."""
    inside = [home, *(path for path in home.glob("*") if path.is_dir())]
    return all(map(_is_old, inside)) and not any(map(is_running, inside))
