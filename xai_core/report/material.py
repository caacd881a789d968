"""Material: a run as the parts of a report need it, read and summarised once; no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from xai_core import headline
from xai_core.evaluation.lead import Lead
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.run_note import load_note
from xai_core.evaluation.statistics import Friedman
from xai_core.evaluation.status import load_status
from xai_core.evaluation.tables import load_curves, load_scores
from xai_core.findings import lead_wording, results
from xai_core.findings.results import Board, Finished
from xai_core.findings.truth import Truth, truth
from xai_core.ground_truth.verdict import ORACLE, truth_metrics
from xai_core.report.alike import Alike, alike

LEADING_METRICS, SHOWN_METHODS = 4, 8
"""As many metrics have figures and slides of their own, as many methods the grid's slider."""


def file_stem(name: str) -> str:
    """A run's name as a part of file names and labels of LaTeX, which know no spaces."""
    return re.sub(r"[^\w.]+", "-", name)


@dataclass(frozen=True)
class Choice:
    """What goes into a report: specs of methods and metrics, and image names; empty: a default."""

    methods: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    widths: tuple[str, ...] = ("column", "page", "slide")
    transparent: bool = False


@dataclass(frozen=True)
class Material:
    """One run's manifest, scores and curves, of the chosen methods and metrics only."""

    run_dir: Path
    manifest: dict[str, Any]
    scores: pd.DataFrame
    curves: pd.DataFrame
    finished: Finished | None
    choice: Choice

    @property
    def name(self) -> str:
        return self.run_dir.name

    @property
    def stem(self) -> str:
        return file_stem(self.name)

    @property
    def images(self) -> int:
        """How many images have scores."""
        return int(self.scores["image_sha256"].nunique())

    @cached_property
    def note(self) -> str:
        """What people wrote down about the run."""
        return load_note(self.run_dir)

    @property
    def right_says(self) -> str:
        """On how many of the labelled images the model is right; "" where none is labelled."""
        shown = set(self.scores["image_sha256"])
        own = [i for i in self.manifest["images"] if i["sha256"] in shown]
        labelled = [i for i in own if i["label"] is not None]
        right = sum(i["label"] == i["predicted"] for i in labelled)
        return f"The model is right on {right} of {len(labelled)} images." if labelled else ""

    @property
    def shown_methods(self) -> list[str]:
        """The methods of the grid and the slider: the chosen ones, else the headline's."""
        own = [m for m in self.choice.methods if m in self.methods and m != ORACLE]
        known = own or [m for m in headline.METHODS if m in self.methods]
        return (known or [m for m in self.methods if m != ORACLE])[:SHOWN_METHODS]

    @cached_property
    def alike(self) -> Alike | None:
        """The run's images in clusters of like heatmaps; None where it keeps too few of them."""
        return next(
            (found for m in self.shown_methods if (found := alike(self.run_dir, self.manifest, m))),
            None,
        )

    @property
    def unfinished(self) -> str:
        """What every caption of a run that was stopped begins with; "" for a whole one."""
        return " ".join(lead_wording.unfinished_says(self.finished))

    @cached_property
    def board(self) -> Board:
        return results.board(self.scores, self.manifest)

    @cached_property
    def methods(self) -> list[str]:
        """The methods with scores, in the manifest's order."""
        scored = set(self.scores["method"])
        return [e["spec"] for e in self.manifest["methods"].values() if e["spec"] in scored]

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics with scores: ranked kinds first, the headline's before others."""
        scored = set(self.scores["metric"])
        return [metric for metric in results.metrics_of(self.manifest) if metric in scored]

    @cached_property
    def leading_metrics(self) -> list[str]:
        """The metrics that say which method is better and have figures: the headline's first."""
        ranked = [m for m in self.metrics if results.is_higher_better(m, self.manifest) is not None]
        first = [m for m in ranked if m in headline.SHOWN or self.kind(m) == "ground truth"]
        return (first or ranked)[:LEADING_METRICS]

    def kind(self, metric: str) -> str:
        return str(next(e["kind"] for e in self.entries("metrics") if e["spec"] == metric))

    def entries(self, part: str) -> list[dict[str, Any]]:
        """The manifest's methods or metrics that are in the report."""
        specs = set(self.scores[part.removesuffix("s")])
        return [e for e in self.manifest[part].values() if e["spec"] in specs]

    def standing(self, metric: str) -> tuple[Friedman | None, Lead | None]:
        """Friedman's test and who leads, as on the leaderboard; the oracle takes no part."""
        if metric not in self._standings:
            own = self.scores[self.scores["method"] != ORACLE]
            by_method = results.compared(own, self.manifest, metric, self.board.same)
            higher = bool(results.is_higher_better(metric, self.manifest))
            nulls = results.nulls_of(self.manifest)
            self._standings[metric] = results.standing(by_method, higher, nulls)
        return self._standings[metric]

    @cached_property
    def _standings(self) -> dict[str, tuple[Friedman | None, Lead | None]]:
        return {}

    def lead_says(self, metric: str) -> list[str]:
        """The leaderboard's sentences on one metric."""
        lead = self.standing(metric)[1]
        return lead_wording.lead_says(lead, self.manifest, metric, self.board.same, self.finished)

    @cached_property
    def truth(self) -> Truth | None:
        """The benchmarks' verdict, where the run has any."""
        if not set(truth_metrics(self.manifest)) & set(self.metrics):
            return None
        return truth(self.scores, self.manifest, None, None)

    def title(self, method: str) -> str:
        return results.method_title(method, self.manifest)


def load_material(run_dir: Path, choice: Choice) -> Material:
    """A run for a report; raises RunFolderError or ValueError, one sentence, where it cannot be."""
    manifest = load_manifest(run_dir).as_dict()
    scores = load_scores(run_dir)
    state = str((load_status(run_dir) or {}).get("state", ""))
    finished = results.finished(scores, manifest, state) or _stopped_early(scores, manifest)
    for part, wanted in (("method", choice.methods), ("metric", choice.metrics)):
        known = list(dict.fromkeys(scores[part]))
        _check(run_dir, part, wanted, known)
        if wanted:
            scores = scores[scores[part].isin(wanted)]
    if scores["score"].notna().sum() == 0:
        raise ValueError(f"{run_dir}: has no scores yet; evaluate something in it first")
    curves = load_curves(run_dir)
    curves = curves[curves["image_sha256"].isin(set(scores["image_sha256"]))]
    return Material(run_dir, manifest, scores, curves, finished, choice)


def _stopped_early(scores: pd.DataFrame, manifest: dict[str, Any]) -> Finished | None:
    """For a run without a status: fewer images than were asked for."""
    asked = int(manifest.get("asked", 0))
    found = scores["image_sha256"].nunique() + len(manifest.get("bad_images", {}))
    return Finished(found, asked) if found < asked else None


def _check(run_dir: Path, part: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ValueError(f"{run_dir}: has no {part} {name!r}; it has: {there}")
