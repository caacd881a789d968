"""Truths: what runs with a known answer say of methods and of metrics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs import standings, tables
from runs.keeping import kept
from runs.run_folders import PROTECTED
from xai_core import headline
from xai_core.images import heatmap
from xai_core.images.reading import (
    open_image,
)

if TYPE_CHECKING:
    import pandas as pd

    from xai_core.evaluation.lead import Lead
    from xai_core.evaluation.statistics import Friedman
    from xai_core.findings.superpixel_wording import Answer
    from xai_core.findings.truth import Truth, TwoSeeds
    from xai_core.ground_truth.scene_book import SceneBook


def superpixel_answer(run_dir: Path = tables.SHIPPED) -> Answer:
    """CAM or SeCAM from a run and from the first benchmarks of the same model."""
    folders = [(run_dir, tables.run_stamp(run_dir)), *truth_of_model(run_dir)[:1]]
    return superpixel_answer_of(tuple((path, stamp) for path, stamp in folders if stamp))


def truth_of_model(run_dir: Path) -> list[tuple[Path, float]]:
    """The ground-truth runs of the same model as a run's, with their stamps."""
    model = tables.model_of(run_dir)
    return [
        (p, tables.run_stamp(p))
        for p in tables.truth_runs().values()
        if tables.model_of(p) == model != ""
    ]


@kept
def superpixel_answer_of(folders: tuple[tuple[Path, float], ...]) -> Answer:
    """CAM or SeCAM from some runs; those of another model than the first's are left out."""
    from xai_core.findings.superpixel_wording import superpixel_answer

    runs = [(tables.scores(path, stamp), tables.manifest(path, stamp)) for path, stamp in folders]
    model = runs[0][1]["classifier"]["fingerprint"] if runs else ""
    return superpixel_answer([r for r in runs if r[1]["classifier"]["fingerprint"] == model])


def truth(run_dir: Path) -> Truth:
    """The benchmarks' verdict on methods, and on the metrics of another run of the same model."""
    return _truth(run_dir, tables.run_stamp(run_dir), judged_run(run_dir))


def judged_run(run_dir: Path) -> tuple[Path, float] | None:
    """The precomputed run of the same model with the most methods: its metrics are judged."""
    model = tables.manifest(run_dir, tables.run_stamp(run_dir))["classifier"]["fingerprint"]
    found = [
        (path, tables.run_stamp(path))
        for name, path in {"": tables.SHIPPED, **tables.runs()}.items()
        if tables.run_stamp(path) and (name in PROTECTED or not name)
    ]
    same = [run for run in found if tables.manifest(*run)["classifier"]["fingerprint"] == model]
    return max(same, key=lambda run: len(tables.manifest(*run)["methods"]), default=None)


@kept
def _truth(run_dir: Path, stamp: float, judged: tuple[Path, float] | None) -> Truth:
    from xai_core.findings import truth

    metrics = (tables.scores(*judged), tables.manifest(*judged)) if judged else (None, None)
    return truth.truth(tables.scores(run_dir, stamp), tables.manifest(run_dir, stamp), *metrics)


def other_truth(run_dir: Path, stamp: float) -> tuple[Path, float] | None:
    """The ground-truth run of another model, with its stamp; None where there is none."""
    mine = tables.manifest(run_dir, stamp)["classifier"]["fingerprint"]
    for other in tables.truth_runs().values():
        at = tables.run_stamp(other)
        if tables.manifest(other, at)["classifier"]["fingerprint"] != mine:
            return other, at
    return None


@kept
def two_seeds(run_dir: Path, stamp: float, other: Path, at_other: float) -> TwoSeeds:
    """How the ground-truth runs of two models rank the methods."""
    from xai_core.findings import truth

    mine, theirs = (
        (tables.scores(run, at), tables.manifest(run, at), truth_facts(run, at))
        for run, at in ((run_dir, stamp), (other, at_other))
    )
    return truth.two_seeds(mine, theirs)


@kept
def truth_test(run_dir: Path, stamp: float, metric: str) -> tuple[Friedman | None, Lead | None]:
    """Friedman's test of the methods in one benchmark and who leads, the oracle left out."""
    from xai_core.findings import results
    from xai_core.ground_truth.verdict import ORACLE

    found = tables.scores(run_dir, stamp)
    same = truth(run_dir).board.same
    described = tables.manifest(run_dir, stamp)
    by_method = results.compared(found[found["method"] != ORACLE], described, metric, same)
    higher = bool(results.is_higher_better(metric, described))
    return results.standing(by_method, higher, results.nulls_of(described))


@kept
def power(run_dir: Path, stamp: float) -> pd.DataFrame:
    """Pairs of methods that each benchmark of a run, or headline metric, tells apart."""
    from runs import rankings
    from xai_core.findings import results
    from xai_core.ground_truth.verdict import ORACLE

    found, described = tables.scores(run_dir, stamp), tables.manifest(run_dir, stamp)
    found, same = (
        found[found["method"] != ORACLE],
        standings.board(run_dir, stamp, results.Filters()).same,
    )
    # all pairs of all metrics take a minute: a run without benchmarks shows its headline metrics
    metrics = results.metrics_of(described, ("ground truth",)) or [
        metric for metric in headline.SHOWN if metric in results.metrics_of(described)
    ]
    return rankings.power_table(
        lambda metric: results.compared(found, described, metric, same), described, metrics
    )


@kept
def sticker_shares(run_dir: Path, stamp: float) -> pd.DataFrame:
    """Both models' share of the attribution on the sticker, per method and image."""
    from xai_core.evaluation.tables import load_curves
    from xai_core.findings import truth

    return truth.shares(
        tables.scores(run_dir, stamp), load_curves(run_dir), tables.manifest(run_dir, stamp)
    )


@kept
def truth_facts(run_dir: Path, stamp: float) -> dict[str, Any]:
    """What was measured beside the scores of a ground-truth run."""
    from xai_core.ground_truth.facts import load_facts

    return load_facts(run_dir)


@kept
def scene_book(run_dir: Path, stamp: float) -> SceneBook | None:
    from xai_core.ground_truth.scene_book import load_scene_book

    return load_scene_book(run_dir)


@kept
def scene_map(run_dir: Path, stamp: float, name: str, method: str, opacity: float) -> bytes:
    """A stored scene under a method's map, as a JPEG."""
    book = scene_book(run_dir, stamp)
    if book is None:
        raise KeyError(name)
    page = next(page for page in book.pages if page["name"] == name)
    rgb = open_image(book.picture(page)).rgb
    return heatmap.encoded(heatmap.overlay(rgb, book.maps(page, method), opacity), ".jpg")
