"""Killing: evaluations ended by kill -9 at random moments, and what is left of their rows."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tests.conftest import TinyNetwork, seeded
from tests.evaluation.conftest import recipes, table, write_pictures
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.run import run_evaluation
from xai_core.evaluation.store import find_problems
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.classifier import Classifier

KILLS_OF_A_RUN = 5


@dataclass
class Killed:
    """Kills that met a process at work, and the rows that differ from an undisturbed run."""

    kills: int = 0
    runs: int = 0
    differing: int = 0
    damaged: int = 0


def kill_evaluations(count: int, folder: Path, seed: int = 0) -> Killed:
    """Kill until `count` processes were met at work; each run is then finished and compared."""
    torch.set_num_threads(1)
    pictures, random, found = (
        write_pictures(folder / "pictures"),
        np.random.default_rng(seed),
        Killed(),
    )
    started = time.perf_counter()
    _in_a_child(pictures, folder / "whole", None)
    seconds = time.perf_counter() - started
    whole = table(folder / "whole")
    while found.kills < count:
        run = folder / f"run{found.runs}"
        for _ in range(min(KILLS_OF_A_RUN, count - found.kills)):
            found.kills += _in_a_child(pictures, run, float(random.uniform(0, seconds)))
        _in_a_child(pictures, run, None)
        found.runs += 1
        found.damaged += len(find_problems(run)) + len(list(run.rglob("*.tmp")))
        found.differing += _differing(table(run), whole)
    return found


def _differing(rows: pd.DataFrame, whole: pd.DataFrame) -> int:
    """Rows that are lost, doubled or have another value."""
    if len(rows) != len(whole):
        return abs(len(rows) - len(whole))
    return int((~(rows == whole) & ~(rows.isna() & whole.isna())).any(axis=1).sum())


def _in_a_child(pictures: Path, run: Path, kill_after: float | None) -> bool:
    """Evaluate in a process of its own; whether it was still at work when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _evaluate(pictures, run)
            code = 0
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if kill_after is None and status != 0:
        raise RuntimeError(f"{run}: the evaluation that was to finish failed")
    return os.WIFSIGNALED(status)


def _evaluate(pictures: Path, run: Path) -> None:
    form = InputFormat(size=64, resize=72)
    classifier = Classifier.of(seeded(TinyNetwork), tuple("abcde"), name="tiny", form=form)
    run_evaluation(
        run, classifier, load_folder(pictures, classifier.categories),
        recipes("cam random sobel", METHODS),
        recipes("deletion single_deletion relevance_mass", METRICS),
    )  # fmt: skip
