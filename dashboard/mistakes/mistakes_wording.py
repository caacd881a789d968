"""Mistakes' wording: a model's mistakes in plain sentences, and the captions of their page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runs.confusions import LEAST_IN_BIN
from scipy import stats

from xai_core.evaluation.lead import LEAST_IMAGES
from xai_core.findings.phrases import about
from xai_core.titles import percent

if TYPE_CHECKING:
    import pandas as pd

MISTAKES = (
    "n = {n} labelled images. Rows are the true classes; blue hits, red mistakes, whose colour "
    "grows with the root of their share; choose a cell, "
    "or one under Show, to see its images. Probabilities: ten bins of equal width, dots grow "
    "with the number of images; {bins}."
)
CONTRAST = (
    "Last of them: the map for the predicted class minus the one for the true class, in the "
    "method's own units; red is what made the model prefer its prediction."
)
OTHER_NETWORK = (
    "The model of this run has been changed since, so its mistakes are not those of the model "
    "that is there now: evaluate it again."
)
NO_LABELS = (
    "The images of this run have no label that the model knows, so nothing is wrong: name "
    "their folders after its classes, or put a labels.csv beside them."
)
NO_MASKS = (
    "This run did not score where the maps look: evaluate relevance mass. Images of your own need "
    "masks of their objects for that, of the same names in a folder masks/."
)
ENOUGH = (
    "hollow below {least} images; a line joins neighbours that have more; the calibration error is "
    "over all"
)
FEW = "no line and no calibration error: fewer than two bins have {least} images"
OFF_OBJECT = (
    "Share of a map's positive relevance for the true class that lies outside the object's mask; "
    "the nine largest."
)
MEAN_MAPS = (
    "Mean over at most {most} images of the class, right or wrong, of the map for this class, "
    "over the mean image; every map is first divided by its own 99.5th percentile."
)


def mistakes_say(table: pd.DataFrame, names: Sequence[str], manifest: dict[str, Any]) -> list[str]:
    """How often the model is right, with its CI, and which confusion is the most frequent."""
    right = table["label"] == table["predicted"]
    low, high = wilson_interval(int(right.sum()), len(table))
    where = about(manifest, len(table))
    if len(table) < LEAST_IMAGES:
        said = [f"On {where}: too few images to tell how often the model is right."]
    else:
        said = [
            f"On {where}, the model is right on {right.sum()}: {percent(right.mean(), 1)}, 95 % CI "
            f"({100 * low:.1f}, {100 * high:.1f})."
        ]
    wrong = table[~right]
    if len(wrong):
        counts = wrong.groupby(["label", "predicted"]).size().sort_values(ascending=False)
        most = counts[counts == counts.iloc[0]]
        count = int(counts.iloc[0])
        if count > 1:
            pairs = [f"{names[a]} → {names[b]}" for a, b in most.index]
            also = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
            said.append(f"Most frequent confusion: {pairs[0]} ({count}){also}.")
        said.append(f"Most confident error: probability {percent(wrong['probability'].max(), 1)}.")
    return said


def matrix_caption(images: int, has_line: bool) -> str:
    """What the two charts show; a line only where one is drawn."""
    bins = ENOUGH if has_line else FEW
    return MISTAKES.format(n=images, bins=bins.format(least=LEAST_IN_BIN))


def wilson_interval(hits: int, images: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (1927)."""
    found = stats.binomtest(hits, images).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
