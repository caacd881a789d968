"""Run folders: the shipped results, and where new ones go: CAMPARE_RUNS, or beside the shipped.

Hosted, every visitor has a home of his own below it, and sees no other's.
"""

from __future__ import annotations

from pathlib import Path

from state import hosting

from xai_core.places import DATA, runs_folder

SHIPPED_RUNS = DATA / "runs"
RUNS = runs_folder()
PROTECTED = ("shipped", "photos", "ground_truth", "ground_truth_seed2")
VISITORS = ".visitors"


def home() -> Path:
    """Where the runs and uploads of whoever looks at the page are."""
    return RUNS / VISITORS / (hosting.visitor() or "nobody") if hosting.is_hosted() else RUNS


def homes() -> list[Path]:
    """The host's own, then every visitor's."""
    visitors = RUNS / VISITORS
    return [RUNS, *(sorted(visitors.iterdir()) if visitors.is_dir() else [])]


def folders_in(home: Path) -> list[Path]:
    """The run folders of one home."""
    own = [path for path in home.iterdir() if path.is_dir()] if home.is_dir() else []
    return [p for p in own if p.name not in PROTECTED and not p.name.startswith(".")]


def run_folders() -> list[Path]:
    """Every folder with results or with an evaluation at work that may be seen here.

    The shipped ones come first, then the host's, then the visitor's own.
    """
    shipped = [SHIPPED_RUNS / name for name in PROTECTED if (SHIPPED_RUNS / name).is_dir()]
    own = folders_in(home())
    names = {path.name for path in own}
    hosts = [] if home() == RUNS else [p for p in folders_in(RUNS) if p.name not in names]
    return shipped + hosts + own
