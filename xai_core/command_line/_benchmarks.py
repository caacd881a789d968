"""`evaluate --benchmark`: benchmarks with a known answer instead of metrics."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import xai_core
from xai_core.catalog import names_in
from xai_core.command_line._progress import ProgressLine
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.shards import Shard
from xai_core.evaluation.summary import summarise
from xai_core.evaluation.tables import load_scores
from xai_core.methods import Method
from xai_core.models.classifier import Classifier
from xai_core.places import default_run_dir

EVERYTHING = "all"
FOLDER = Path(xai_core.__file__).parent / "ground_truth" / "benchmarks"


def add_benchmarks(parser: argparse.ArgumentParser) -> None:
    """--benchmark and what belongs to it."""
    group = parser.add_argument_group("ground truth on Orchard's scenes, instead of --metrics")
    group.add_argument(
        "--benchmark", nargs="+", metavar="BENCHMARK",
        help=f"{', '.join(names_in(FOLDER))}, localisation, degradation, or all",
    )  # fmt: skip
    group.add_argument(
        "--scenes", choices=("single", "table"), default="single",
        help="what the benchmarks on parts are asked on: one fruit, or a table of several",
    )  # fmt: skip


def run_benchmarks(
    options: argparse.Namespace,
    classifier: Classifier,
    methods: Sequence[Method],
    shard: Shard | None,
) -> int:
    """Score the methods and the oracle by the benchmarks that the options name."""
    from xai_core.ground_truth.benchmark_run import (
        CHOICES,
        GroundTruth,
        merge_part_shards,
        run_ground_truth,
    )

    if options.dataset != "orchard":
        raise ValueError(f"--benchmark needs --dataset orchard, got {options.dataset}")
    if options.framing != "whole":
        raise ValueError(f"--benchmark needs --framing whole, got {options.framing}")
    names = CHOICES if EVERYTHING in options.benchmark else tuple(options.benchmark)
    run_dir = options.run_dir or default_run_dir("ground_truth", classifier.name)
    plan = GroundTruth(
        classifier, names, options.limit, workers=max(1, options.workers), kind=options.scenes
    )
    if options.merge:
        print(f"shards of {merge_part_shards(run_dir)} sets of images merged")
    notes = run_ground_truth(
        run_dir, plan, methods, memory=options.memory, precision=options.precision,
        shard=shard, show=_Lines().show,
    )  # fmt: skip
    for note in notes:
        print(f"left out: {note}", file=sys.stderr)
    if not shard:
        _print_summary(run_dir)
    print(f"results in {run_dir}")
    return 0


class _Lines:
    """One progress line for each kind of work."""

    def __init__(self) -> None:
        self._title = ""
        self._line = ProgressLine("")

    def show(self, message: str, fraction: float, seconds_left: float | None) -> None:
        title, _, rest = message.partition(": ")
        if title != self._title:
            self._title, self._line = title, ProgressLine(title)
        self._line.show(rest, fraction, seconds_left)


def _print_summary(run_dir: Path) -> None:
    """Mean and 95 % interval over images of every benchmark and method, best first."""
    table, manifest = summarise(load_scores(run_dir)), load_manifest(run_dir)
    labels = {entry["spec"]: entry["label"] for entry in manifest.methods.values()}
    for metric in manifest.metrics.values():
        rows = table[table["metric"] == metric["spec"]]
        print(f"\n{metric['label']} (mean, 95 % interval, images)")
        rows = rows.sort_values("mean", ascending=metric["higher_is_better"] is False)
        for row in rows.to_dict("records"):
            interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
            label = labels.get(row["method"], row["method"])
            print(f"  {label:<34} {row['mean']:8.3f}  {interval:<16}  {row['n']}")
