"""Run folders: the shipped results, and where new ones go: CAMPARE_RUNS, or beside the shipped."""

from __future__ import annotations

from pathlib import Path

from xai_core.places import DATA, runs_folder

SHIPPED_RUNS = DATA / "runs"
RUNS = runs_folder()
PROTECTED = ("shipped", "every_method", "ground_truth", "ground_truth_seed2")


def run_folders() -> list[Path]:
    """Every folder with results or with an evaluation at work; the shipped ones first."""
    shipped = [SHIPPED_RUNS / name for name in PROTECTED if (SHIPPED_RUNS / name).is_dir()]
    own = [path for path in RUNS.iterdir() if path.is_dir()] if RUNS.is_dir() else []
    return shipped + [p for p in own if p.name not in PROTECTED and not p.name.startswith(".")]
