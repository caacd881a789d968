"""Scoreboard: how some methods score on a data set, in one call; a notebook shows the table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from xai_core.evaluation.dataset import Dataset, load_dataset
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.run import RunReport, run_evaluation
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.status import Progress
from xai_core.evaluation.summary import summarise
from xai_core.evaluation.tables import load_scores
from xai_core.explanations import DEFAULT_METHODS
from xai_core.given import AnyModel, classifier_from, recipes_from
from xai_core.images.reading import Framing
from xai_core.methods import METHODS, Method
from xai_core.metrics import METRICS, Metric

DEFAULT_METRICS = ("symmetric_relevance_gain", "single_deletion")
ARROWS = {True: "↑", False: "↓", None: ""}


@dataclass(frozen=True, eq=False)
class Scoreboard:
    """Scores of methods by metrics: `scores` has one row per image, method and metric.

    `report` says what was computed, found finished and left out; `manifest` what was evaluated.
    """

    scores: pd.DataFrame
    manifest: Manifest
    report: RunReport

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per method and metric: mean, 95 % interval (low, high), n; see `summarise`."""
        return summarise(self.scores)

    def __repr__(self) -> str:
        return (
            f"{self.report.describe()}\n{self.table[['method', 'metric', 'mean', 'low', 'high']]}"
        )

    def _repr_html_(self) -> str:
        metrics = {m["spec"]: m for m in self.manifest["metrics"].values()}
        heads = [f"{m['label']} {ARROWS[m['higher_is_better']]}" for m in metrics.values()]
        cells = {(row["method"], row["metric"]): row for row in self.table.to_dict("records")}
        rows: list[str] = [
            _row(method["label"], [cells.get((method["spec"], spec)) for spec in metrics])
            for method in self.manifest["methods"].values()
        ]
        head = "".join(f"<th>{escape(text.strip())}</th>" for text in ["", *heads])
        told = escape(self.report.describe()).replace("\n", "<br>")
        note = "mean over images [95 % interval]; ↑ higher is better, ↓ lower is better"
        return f"<table><tr>{head}</tr>{''.join(rows)}</table><p>{note}<br>{told}</p>"


def evaluate(
    model: AnyModel,
    images: str | Path | Dataset = "orchard",
    methods: str | Method | Sequence[str | Method] = (*DEFAULT_METHODS, "random"),
    metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
    *,
    limit: int | None = None,
    run_dir: str | Path | None = None,
    framing: Framing = "whole",
    progress: Callable[[Progress], None] | None = None,
) -> Scoreboard:
    """Scores of `methods` by `metrics` on the first `limit` images, dealt over the classes.

    `images` is "orchard", a folder of images, or a Dataset. With `run_dir` the results are kept
    there and an interrupted call goes on where it was; without, they are in memory alone. Raises
    ValueError where an argument is wrong or nothing can be used, RunFolderError for `run_dir`.
    """
    classifier = classifier_from(model)
    names = classifier.categories
    dataset = images if isinstance(images, Dataset) else load_dataset(images, names)
    with tempfile.TemporaryDirectory(prefix="campare-") as unkept:
        folder = Path(run_dir or unkept)
        report = run_evaluation(
            folder, classifier, dataset, recipes_from(methods, METHODS),
            recipes_from(metrics, METRICS), limit=limit, framing=framing, progress=progress,
        )  # fmt: skip
        return Scoreboard(load_scores(folder), load_manifest(folder), report)


def _row(label: str, cells: Sequence[dict[Any, Any] | None]) -> str:
    return (
        f"<tr><th>{escape(label)}</th>{''.join(f'<td>{_shown(cell)}</td>' for cell in cells)}</tr>"
    )


def _shown(cell: dict[Any, Any] | None) -> str:
    """Mean and interval; a dash where nothing was scored, and how often it was undefined."""
    if cell is None or not cell["n"]:
        return "–"
    undefined = f", {cell['undefined']} undefined" if cell["undefined"] else ""
    return f"{cell['mean']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]{undefined}"
