"""Mistakes' wording: a network's mistakes in plain sentences, and the captions of their page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MISTAKES = (
    "{n} labelled pictures. Rows are the true classes; blue hits, red mistakes; choose a cell, or "
    "one under Show, to see its pictures. Right: ten bins of equal width, dots grow with the "
    "number of pictures."
)
CONTRAST = (
    "Last row: the map for the predicted class minus the one for the true class, in the method's "
    "own units; red is what made the network prefer its prediction."
)
OTHER_NETWORK = (
    "The network of this run has been changed since, so its mistakes are not those of the network "
    "that is there now: evaluate it again."
)
NO_LABELS = (
    "The pictures of this run have no label that the network knows, so nothing is wrong: name "
    "their folders after its classes, or put a labels.csv beside them."
)
NO_MASKS = (
    "This run knows no masks: put images of the objects' outlines into a folder masks/ under the "
    "pictures' names, and evaluate relevance mass."
)
OFF_OBJECT = (
    "Share of a map's positive relevance for the true class that lies outside the object's mask; "
    "the nine largest."
)
MEAN_MAPS = (
    "Mean over at most {most} pictures of the class, right or wrong, of the map for this class, "
    "over the mean picture; every map is first divided by its own 99.5th percentile."
)


def times(count: int) -> str:
    """twice, 3 times"""
    return "twice" if count == 2 else f"{count} times"


def mistakes_say(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """How often the network is right, and which confusion is the most frequent."""
    right = table["label"] == table["predicted"]
    sentences = [
        f"The network is right on {right.sum()} of {len(table)} pictures ({right.mean():.1%})."
    ]
    wrong = table[~right]
    if len(wrong):
        counts = wrong.groupby(["label", "predicted"]).size().sort_values(ascending=False)
        label, said = counts.reset_index()[["label", "predicted"]].to_numpy()[0]
        count = int(counts.iloc[0])
        if count > 1:
            often = f"Most often it takes {names[label]} for {names[said]}: {times(count)}."
            sentences.append(often)
        surest = wrong["probability"].max()
        sentences.append(f"Its surest mistake has a probability of {surest:.1%}.")
    return sentences
