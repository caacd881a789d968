"""Standings: what the tables of a run say of its methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runs import shipped_maps, tables
from runs.keeping import kept
from runs.run_folders import PROTECTED

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.evaluation.lead import Lead
    from xai_core.evaluation.statistics import Friedman
    from xai_core.evaluation.two_runs import TwoRuns
    from xai_core.findings.agreements import Agreements
    from xai_core.findings.echo import Echo
    from xai_core.findings.kept_standings import Standings
    from xai_core.findings.results import Board, Filters


@kept
def _kept(run_dir: Path, stamp: float) -> Standings | None:
    """What a large run has of its images as a whole, without its rows."""
    from xai_core.findings.kept_standings import kept_standings

    return kept_standings(run_dir)


@kept
def board(run_dir: Path, stamp: float, filters: Filters) -> Board:
    """The summary of a run over the images that count."""
    from xai_core.findings import results

    if (kept_before := _kept(run_dir, stamp)) and filters == results.Filters():
        return kept_before.board
    return results.board(filters.of(tables.scores(run_dir, stamp)), tables.manifest(run_dir, stamp))


@kept
def standing(
    run_dir: Path, stamp: float, filters: Filters, metric: str
) -> tuple[Friedman | None, Lead | None]:
    """Friedman's test of one metric, and who leads it."""
    from xai_core.findings import results

    if (kept_before := _kept(run_dir, stamp)) and filters == results.Filters():
        return kept_before.of[metric]
    by_method = _compared(run_dir, stamp, filters, metric)
    described = tables.manifest(run_dir, stamp)
    higher = bool(results.is_higher_better(metric, described))
    return results.standing(by_method, higher, results.nulls_of(described))


def seed_agreements(run_dir: Path, stamp: float) -> dict[str, float | None]:
    """How far two seeds of a run's sampling methods agree, as far as it was measured."""
    from xai_core.evaluation.convergence import run_agreements

    return run_agreements(tables.manifest(run_dir, stamp), shipped_maps.convergence())


@kept
def pairwise(run_dir: Path, stamp: float, filters: Filters, metric: str) -> pd.DataFrame:
    """Every pair of methods in one metric: wins and tests; empty for descriptive metrics."""
    from xai_core.evaluation.statistics import pairwise_wilcoxon
    from xai_core.findings import results

    by_method = _compared(run_dir, stamp, filters, metric)
    higher = results.is_higher_better(metric, tables.manifest(run_dir, stamp))
    return pairwise_wilcoxon(by_method, bool(higher))


def _compared(run_dir: Path, stamp: float, filters: Filters, metric: str) -> pd.DataFrame:
    from xai_core.findings import results

    same = board(run_dir, stamp, filters).same
    shown = filters.of(tables.scores(run_dir, stamp))
    return results.compared(shown, tables.manifest(run_dir, stamp), metric, same)


def counterpart(run_dir: Path) -> tuple[Path, float] | None:
    """The shipped run on photos for one on drawn images, and the reverse; with its stamp."""
    if run_dir.name not in PROTECTED:
        return None
    other = tables.SHIPPED if run_dir == tables.PHOTOS else tables.PHOTOS
    stamp = tables.run_stamp(other)
    return (other, stamp) if stamp else None


@kept
def echo(
    run_dir: Path, stamp: float, filters: Filters, other: tuple[Path, float], metric: str
) -> Echo | None:
    """Whether another run repeats what a run shows in one metric; null baselines left out."""
    from xai_core.findings import echo as echoes
    from xai_core.findings import results

    described, there = tables.manifest(run_dir, stamp), tables.manifest(*other)
    if metric not in results.metrics_of(there):
        return None
    mine, theirs = (
        scores[[method for method in scores if method not in results.nulls_of(described)]]
        for scores in (
            _compared(run_dir, stamp, filters, metric),
            _compared(*other, results.Filters(), metric),
        )
    )
    return echoes.echo(mine, theirs, bool(results.is_higher_better(metric, described)))


@kept
def two_runs(
    run_dir: Path, stamp: float, filters: Filters, other: Path, other_stamp: float
) -> TwoRuns:
    """What another run shares with a run's images that count."""
    from xai_core.evaluation import two_runs as paired

    return paired.two_runs(
        filters.of(tables.scores(run_dir, stamp)), tables.scores(other, other_stamp),
        tables.manifest(run_dir, stamp), tables.manifest(other, other_stamp),
    )  # fmt: skip


@kept
def paired_gains(
    run_dir: Path, stamp: float, filters: Filters, other: Path, other_stamp: float, metric: str
) -> pd.DataFrame:
    """What the other run gains in one ranked metric, paired by image."""
    from xai_core.evaluation import two_runs as paired
    from xai_core.findings import results

    both = two_runs(run_dir, stamp, filters, other, other_stamp)
    higher = results.is_higher_better(metric, tables.manifest(run_dir, stamp))
    return paired.paired_gains(both, metric, bool(higher))


def curve_metrics() -> list[str]:
    """Every metric that draws a curve, in any run."""
    from xai_core.findings import mean_curves

    stamped = {run_dir: tables.run_stamp(run_dir) for run_dir in tables.runs().values()}
    return [
        metric
        for run_dir, stamp in stamped.items()
        for metric in mean_curves.curve_metrics(
            tables.curves(run_dir, stamp), tables.manifest(run_dir, stamp)
        )
    ]


@kept
def curve_means(
    run_dir: Path, stamp: float, filters: Filters, metric: str, methods: tuple[str, ...]
) -> pd.DataFrame:
    """Mean curves of one metric and some methods over the images that count, with bands."""
    from xai_core.findings import mean_curves

    images = filters.of(tables.scores(run_dir, stamp))["image_sha256"].unique()
    found = tables.curves(run_dir, stamp)
    return mean_curves.curve_means(
        found, tables.manifest(run_dir, stamp), metric, methods, list(images)
    )


@kept
def agreements(run_dir: Path, stamp: float, filters: Filters) -> Agreements:
    """Agreement between metrics over methods, and of each metric over images."""
    from xai_core.findings import agreements as found

    return found.agreements(
        filters.of(tables.scores(run_dir, stamp)), tables.manifest(run_dir, stamp)
    )
