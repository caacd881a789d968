"""Tables: run folders, their manifests, scores and curves; shared, nobody may change them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.keeping import kept
from runs.run_folders import PROTECTED, SHIPPED_RUNS, run_folders

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.findings.results import Finished

SHIPPED = SHIPPED_RUNS / "shipped"
PHOTOS = SHIPPED_RUNS / "photos"
"""Scores of an ImageNet model on photos: the drawn world's claims are held against them."""


@kept
def manifest(run_dir: Path, stamp: float) -> dict[str, Any]:
    """What a run evaluated; raises RunFolderError where the folder holds none."""
    from xai_core.evaluation.run_folder import load_manifest

    return load_manifest(run_dir).as_dict()


@kept
def scores(run_dir: Path, stamp: float) -> pd.DataFrame:
    """All scores of a run, one row each."""
    from xai_core.evaluation.tables import load_scores

    return load_scores(run_dir)


def model_of(run_dir: Path) -> str:
    """The fingerprint of a run's model; empty where there is no run."""
    stamp = run_stamp(run_dir)
    return str(manifest(run_dir, stamp)["classifier"]["fingerprint"]) if stamp else ""


def runs() -> dict[str, Path]:
    """Run folders by name: the shipped ones, then the user's own, newest first."""
    found = [path for path in run_folders() if (path / "manifest.json").is_file()]
    found = [path for path in found if not is_truth(path)]
    own = [path for path in found if path.name not in PROTECTED]
    own.sort(key=lambda path: -stamp_of(path / "manifest.json"))
    found = [path for path in found if path not in own] + own
    return {path.name: path for path in found}


def is_truth(run_dir: Path) -> bool:
    """Whether a run folder holds benchmarks with a known answer."""
    return (run_dir / "facts.json").is_file()


def truth_runs() -> dict[str, Path]:
    """Ground-truth runs by name: the shipped one first."""
    found = [path for path in run_folders() if is_truth(path)]
    found.sort(key=lambda path: (path.name != "ground_truth", path.name))
    return {path.name: path for path in found if run_stamp(path)}


def finished(run_dir: Path, stamp: float) -> Finished | None:
    """How far a run is that was stopped or is at work; None where it is done."""
    from xai_core.evaluation.status import load_status
    from xai_core.findings import results

    state = str((load_status(run_dir) or {}).get("state", ""))
    if results.is_done(state):  # known without the rows
        return None
    return results.finished(scores(run_dir, stamp), manifest(run_dir, stamp), state)


@kept
def curves(run_dir: Path, stamp: float) -> pd.DataFrame:
    """All points of all curves of a run."""
    from xai_core.evaluation.tables import load_curves

    return load_curves(run_dir)


@kept
def seconds_per_pass(run_dir: Path, stamp: float) -> float | None:
    """Time of the run's scores over their passes."""
    described = manifest(run_dir, stamp)
    of_metric = {e["spec"]: e["passes"] for e in described["metrics"].values()}
    table = scores(run_dir, stamp)
    passes = float(table["metric"].map(of_metric).sum())
    return float(table["score_seconds"].sum()) / passes if passes else None


def run_stamp(run_dir: Path) -> float:
    """Changes whenever the run's results do; 0 where there is no run."""
    return stamp_of(run_dir / "parts.jsonl") if stamp_of(run_dir / "manifest.json") else 0.0


def stamp_of(path: Path) -> float:
    return path.stat().st_mtime if path.is_file() else 0.0
