"""`evaluate`: score methods by metrics over a data set; continues where it was stopped."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, get_args

from xai_core import headline
from xai_core.catalog import configure
from xai_core.command_line._benchmarks import add_benchmarks, run_benchmarks
from xai_core.command_line._choices import (
    METHODS,
    add_classifier,
    add_settings,
    check_settings,
    classifier_of,
    fitting,
)
from xai_core.command_line._paths import anywhere
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._reading import add_reading, dataset_of
from xai_core.evaluation.allocator import keep_blocks, share_blocks
from xai_core.evaluation.dataset import Dataset
from xai_core.evaluation.plan import MEMORY_MB, make_plan
from xai_core.evaluation.remote import RemoteFolder
from xai_core.evaluation.run import run_evaluation
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.shards import Shard, merge_shards
from xai_core.evaluation.status import Progress
from xai_core.evaluation.store import Store
from xai_core.evaluation.summary import summarise
from xai_core.evaluation.tables import load_scores
from xai_core.evaluation.workers import Workers
from xai_core.findings.kept_standings import keep_standings, kept_standings
from xai_core.methods import Method
from xai_core.metrics import METRICS, Metric
from xai_core.models.batch import Precision
from xai_core.models.classifier import Classifier
from xai_core.places import default_run_dir

EVERYTHING = "all"
EVALUATED_METHODS = (*headline.METHODS, *headline.ALL_NULLS)


def add(commands: Any) -> None:
    parser = commands.add_parser("evaluate", help="score methods on data", description=__doc__)
    parser.add_argument("--dataset", default="orchard", help="orchard, or a folder of images")
    add_classifier(parser)
    add_reading(parser)
    parser.add_argument(
        "--methods", nargs="+", default=list(EVALUATED_METHODS), metavar="METHOD",
        help="names of `list`, variants such as secam[segments=200], or all",
    )  # fmt: skip
    parser.add_argument(
        "--metrics", nargs="+", default=list(headline.EVALUATED), metavar="METRIC",
        help="names of `list`, or all",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, help="use the first N images, dealt over the classes")
    parser.add_argument(
        "--run-dir", type=anywhere, metavar="DIR",
        help="folder of the results, continued if it is one; or a URL such as s3://bucket/run",
    )  # fmt: skip
    parser.add_argument(
        "--forget-maps", action="store_true",
        help="delete the maps when done: a small folder, but a new metric explains anew",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print the plan and its time, stop")
    parser.add_argument("--memory", type=float, default=MEMORY_MB, metavar="MB", help="working set")
    parser.add_argument("--precision", choices=get_args(Precision), default="fp32")
    parser.add_argument(
        "--shard", default="", metavar="I/N",
        help="compute the Ith of N shards, on any machine that sees the run folder",
    )  # fmt: skip
    parser.add_argument("--merge", action="store_true", help="put finished shards into the run")
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N",
        help="compute with N processes of one thread; with --benchmark, draw scenes with them",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", default="", metavar="ADDRESS",
        help="of a Dask scheduler whose workers compute, e.g. tcp://host:8786",
    )  # fmt: skip
    add_settings(parser)
    add_benchmarks(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    keep_blocks()
    share_blocks()
    check_settings(options.set, METHODS, METRICS)
    methods = configure(_named(options.methods, METHODS), METHODS, options.set)
    metrics = configure(_named(options.metrics, METRICS), METRICS, options.set)
    if options.limit is not None and options.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {options.limit}")
    shard = Shard.parse(options.shard) if options.shard else None
    if shard and (options.merge or options.dry_run):
        raise ValueError("--shard goes with neither --merge nor --dry-run")
    _check_workers(options)
    if not isinstance(options.run_dir, str):
        return _run(options, methods, metrics, shard)
    if options.benchmark:
        raise ValueError(f"--benchmark needs a folder of this machine, got {options.run_dir}")
    part = shard.folder(Path()).as_posix() if shard else ""
    with RemoteFolder(
        options.run_dir, part, shards=options.merge, only_reads=options.dry_run
    ) as remote:
        options.run_dir = remote.here
        return _run(options, methods, metrics, shard, remote)


def _run(
    options: argparse.Namespace,
    methods: list[Method],
    metrics: list[Metric],
    shard: Shard | None,
    remote: RemoteFolder | None = None,
) -> int:
    if options.merge and options.run_dir and not options.benchmark:
        return _merge(options.run_dir, remote)
    classifier = classifier_of(options)
    if options.benchmark:
        return run_benchmarks(options, classifier, methods, shard)
    dataset = dataset_of(options, classifier)
    if EVERYTHING not in options.methods:
        fitting(methods, classifier)
    run_dir = options.run_dir or default_run_dir(dataset.key, classifier.name)
    if options.merge:
        return _merge(run_dir, remote)
    if options.dry_run:
        plan = make_plan(
            run_dir, classifier, dataset, methods, metrics,
            limit=options.limit, memory=options.memory, precision=options.precision,
            workers=options.workers,
        )  # fmt: skip
        print(plan.describe())
        return 0
    return _evaluate(run_dir, classifier, dataset, methods, metrics, options, shard, remote)


def _evaluate(
    run_dir: Path,
    classifier: Classifier,
    dataset: Dataset,
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    options: argparse.Namespace,
    shard: Shard | None,
    remote: RemoteFolder | None,
) -> int:
    line = ProgressLine("evaluating")

    def show(step: Progress) -> None:
        line.show(step.message, step.fraction, step.seconds_left)
        if remote:
            remote.push_in_time()

    with _workers(options) as workers:
        report = run_evaluation(
            run_dir, classifier, dataset, methods, metrics,
            limit=options.limit, memory=options.memory, precision=options.precision,
            framing=options.framing, shard=shard, workers=workers, progress=show,
        )  # fmt: skip
    run_dir = shard.folder(run_dir) if shard else run_dir
    if options.forget_maps and not report.cancelled:
        Store(run_dir).forget_maps()
    if not report.cancelled and not shard:
        keep_standings(run_dir)
    print(report.describe(), file=sys.stderr)
    _print_summary(run_dir, methods, metrics)
    print(f"results in {remote.url if remote else run_dir}")
    return 1 if report.bad_images or report.cancelled else 0


def _check_workers(options: argparse.Namespace) -> None:
    if options.workers < 0:
        raise ValueError(f"--workers must be at least 1, got {options.workers}")
    if options.scheduler and (options.workers or options.benchmark or options.dry_run):
        raise ValueError("--scheduler goes with neither --workers nor --benchmark nor --dry-run")


def _workers(options: argparse.Namespace) -> AbstractContextManager[Workers | None]:
    """The workers asked for, each of which loads the same model by its name."""
    if not (options.workers or options.scheduler):
        return nullcontext()
    return Workers(partial(classifier_of, options), options.workers, options.scheduler)


def _merge(run_dir: Path, remote: RemoteFolder | None) -> int:
    line = ProgressLine("merging")
    count = merge_shards(run_dir, lambda message, part: line.show(message, part, None))
    keep_standings(run_dir)
    print(f"{count} shards merged; results in {remote.url if remote else run_dir}")
    return 0


def _named(names: Sequence[str], known: dict[str, Any]) -> list[str]:
    return list(known) if EVERYTHING in names else list(names)


def _print_summary(run_dir: Path, methods: Sequence[Method], metrics: Sequence[Metric]) -> None:
    """Mean and 95 % CI over images of every method and metric of this call."""
    kept = kept_standings(run_dir)
    table = kept.board.summary if kept else summarise(load_scores(run_dir))
    titles = {entry["spec"]: entry["label"] for entry in load_manifest(run_dir).metrics.values()}
    for metric in metrics:
        print(f"\n{titles.get(metric.spec(), metric.title)} (mean, 95 % CI, n)")
        for method in methods:
            cell = table[(table["method"] == method.spec()) & (table["metric"] == metric.spec())]
            for row in cell.to_dict("records"):
                interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
                print(f"  {method.label():<34} {row['mean']:8.3f}  {interval:<16}  {row['n']}")
