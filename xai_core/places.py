"""Places: where the shipped data lie, and where results and caches of this installation go."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_PACKED = _PACKAGE / "_shipped"

IS_INSTALLED = _PACKED.is_dir()
"""Whether this is a built wheel's package, which nobody writes into, and no checkout."""
PROJECT = _PACKED if IS_INSTALLED else _PACKAGE.parent
"""The folder that holds `data` and `dashboard`: the checkout, or their copies in the package."""
DATA = PROJECT / "data"
"""The project's `data` folder: shipped images, models and results."""
CACHE = Path.home() / ".cache" / "campare" if IS_INSTALLED else PROJECT / ".cache"
"""What only saves time; deleting it costs time, never results."""


def runs_folder() -> Path:
    """New runs: CAMPARE_RUNS; else beside the shipped ones, or `runs` in the current folder."""
    own = Path("runs") if IS_INSTALLED else DATA / "runs"
    return Path(os.environ.get("CAMPARE_RUNS") or own).expanduser().resolve()


def data_roots() -> tuple[Path, ...] | None:
    """The folders that the dashboard may read, from CAMPARE_DATA; None: all that it can."""
    told = os.environ.get("CAMPARE_DATA")
    if told is None:
        return None
    return tuple(Path(one).expanduser().resolve() for one in told.split(os.pathsep) if one)


def default_run_dir(dataset: str, classifier: str) -> Path:
    """The run folder of a data set and a model; the name suits every file system."""
    return runs_folder() / f"{dataset}-{classifier}".replace(":", "-")
