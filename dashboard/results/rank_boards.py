"""Rank boards: ranks by metric group, faithfulness against localisation, and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drawing import rank_charts
from frame.display import show_chart, show_note, show_problem
from runs import rankings

from xai_core import headline
from xai_core.findings import results
from xai_core.findings.phrases import about, capital
from xai_core.findings.results import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

RANKS = (
    "{where}. Rank of each method's mean, 1 is best, equal methods counted once. Ranks of means "
    "say nothing about certainty: the tests are above and under Pairwise wins."
)
AIMS = (
    "{where}. Means; the dashed cross-hair is the best null baseline of each metric: what lies on "
    "its better side in both has the better mean in both. Names that would cover others are left "
    "out."
)
NO_AIMS = "This run scores no metric of localisation: evaluate relevance mass, with masks."
CLASSES = (
    "{where}. Means over the images of a class, n = {count} each; classes below {least} images are "
    "left out. No test is made by class: look for outliers, not for ranks."
)
NO_CLASSES = "No class has {least} labelled images here, the least for a mean by class."


def show_ranks(board: Board, manifest: dict[str, Any]) -> None:
    """All ranked metrics at a glance."""
    ranks, kinds = rankings.rank_table(board, manifest)
    if ranks.empty:
        show_problem("This run holds no metric that ranks.", "hint")
        return
    names = [results.method_title(str(m), manifest) for m in ranks.index]
    titled = ranks.rename(columns=lambda metric: results.metric_title(str(metric), manifest))
    show_chart(None, rank_charts.draw_ranks(titled, names, kinds), "Ranks by metric group")
    show_note(RANKS.format(where=capital(about(manifest, board.images))))


def show_aims(board: Board, manifest: dict[str, Any], metric: str) -> None:
    """The chosen metric, or the first of faithfulness, against the first of localisation."""
    places = results.metrics_of(manifest, ("localisation",))
    faithful = results.metrics_of(manifest, ("faithfulness",))
    if not places or not faithful:
        show_problem(NO_AIMS, "hint")
        return
    second = metric if metric in faithful else faithful[0]
    first = "relevance_mass" if "relevance_mass" in places else places[0]
    rows = rankings.aims(board, manifest, first, second)
    titles = results.metric_title(first, manifest), results.metric_title(second, manifest)
    both = (first, second)
    floors = [results.floor_of(results.metric_rows(board, manifest, name)) for name in both]
    chart = rank_charts.draw_aims(rows, titles, (floors[0], floors[1]))
    show_chart(None, chart, f"{titles[1]} against {titles[0]}", has_names=True)
    show_note(AIMS.format(where=capital(about(manifest, board.images))))


def show_classes(
    scores: pd.DataFrame, manifest: dict[str, Any], metric: str, same: Sequence[Sequence[str]]
) -> None:
    """The headline's methods and the null baselines of everybody, by class."""
    known = {e["spec"] for e in manifest["methods"].values()}
    preferred = [m for m in (*headline.METHODS, *headline.NULLS) if m in known]
    shown = preferred or sorted(known)
    means = rankings.class_means(scores, metric, shown, manifest["classifier"]["categories"])
    if means.empty:
        show_problem(NO_CLASSES.format(least=rankings.LEAST_IN_CLASS), "hint")
        return
    means, names = results.merged(
        means, same, {m: results.method_title(m, manifest) for m in shown}
    )
    title = results.metric_title(metric, manifest)
    show_chart(None, rank_charts.draw_classes(means, names, title), f"{title} by class")
    low, high = means["n"].min(), means["n"].max()
    where = capital(about(manifest, scores["image_sha256"].nunique()))
    count = f"{low}" if low == high else f"{low} to {high}"
    show_note(CLASSES.format(count=count, least=rankings.LEAST_IN_CLASS, where=where))
