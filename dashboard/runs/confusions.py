"""Confusions: what a run says about the model itself: confusions, confidence, attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

BINS = 10
LEAST_IN_BIN = 10
"""Images below which a bin's accuracy says nothing: its CI spans half of the scale."""
MOST_CLASSES = 24


def predictions(manifest: dict[str, Any]) -> pd.DataFrame:
    """One row per labelled image: image, sha256, path, label, predicted, probability, level."""
    columns = ["image", "sha256", "path", "label", "level", "predicted", "probability", "correct"]
    table = pd.DataFrame(manifest["images"], columns=columns)
    return table.dropna(subset=["label", "predicted"]).astype({"label": int, "predicted": int})


def confusion(table: pd.DataFrame, classes: int) -> npt.NDArray[np.int64]:
    """Counts (classes, classes): rows are the labels, columns what the model predicted."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (table["label"].to_numpy(), table["predicted"].to_numpy()), 1)
    return counts


def shown_classes(table: pd.DataFrame) -> list[int]:
    """The classes of the matrix: all that occur; of many, those that mistakes are about."""
    occurring = _occurring(table)
    if len(occurring) <= MOST_CLASSES:
        return occurring
    wrong = table[table["label"] != table["predicted"]]
    involved = pd.concat([wrong["label"], wrong["predicted"]])
    ordered = involved if len(involved) else table["label"]
    return sorted(ordered.value_counts().index[:MOST_CLASSES].astype(int))


def _occurring(table: pd.DataFrame) -> list[int]:
    return sorted({*table["label"].astype(int), *table["predicted"].astype(int)})


def left_out_says(table: pd.DataFrame, shown: int, classes: int) -> str:
    """What the matrix of `shown` of the model's `classes` leaves out; nothing where it is whole."""
    occurring = len(_occurring(table))
    if shown < occurring:
        return f"Of {occurring:,} classes, the {shown} that most mistakes are about."
    if shown < classes:
        return f"The model knows {classes:,} classes; {shown} occur here."
    return ""


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, with their index where two classes share one ("crane" in ImageNet)."""
    return [
        f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names)
    ]


def confusion_pairs(table: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """ "true-predicted" -> in words with the count: mistakes first, the most frequent first."""
    counts = table.groupby(["label", "predicted"]).size().reset_index(name="n")
    counts["right"] = counts["label"] == counts["predicted"]
    pairs = {}
    for row in counts.sort_values(["right", "n"], ascending=[True, False]).to_dict("records"):
        true, said = names[row["label"]], names[row["predicted"]]
        words = f"{true}, right" if row["right"] else f"{true} → {said}"
        pairs[f"{row['label']}-{row['predicted']}"] = f"{words}: {row['n']}"
    return pairs


def confident_mistakes(table: pd.DataFrame) -> pd.DataFrame:
    """The images that the model gets wrong, the most confident first."""
    wrong = table[table["label"] != table["predicted"]]
    return wrong.sort_values("probability", ascending=False)


def calibration(table: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Mean probability and accuracy of the images in bins of equal width, n, and enough (bool).

    A model is calibrated where both are equal; a bin of few images cannot tell.
    """
    right = (table["label"] == table["predicted"]).astype(float)
    number = np.minimum((table["probability"] * bins).astype(int), bins - 1)
    grouped = pd.DataFrame({"bin": number, "probability": table["probability"], "right": right})
    found = grouped.groupby("bin").agg(
        probability=("probability", "mean"), accuracy=("right", "mean"), n=("right", "size")
    )
    return found.reset_index().assign(enough=found["n"].to_numpy() >= LEAST_IN_BIN)


def calibration_error(bins: pd.DataFrame) -> float | None:
    """Expected calibration error: the mean gap of the bins, weighted by their images.

    None with fewer than two bins that have enough images.
    """
    if bins["enough"].sum() < 2:
        return None
    gaps = (bins["probability"] - bins["accuracy"]).abs()
    return float((gaps * bins["n"]).sum() / bins["n"].sum())


def off_object(scores: pd.DataFrame, method: str) -> pd.DataFrame:
    """Images by the share of a method's positive relevance outside the mask, largest first."""
    rows = scores[(scores["metric"] == "relevance_mass") & (scores["method"] == method)]
    rows = rows.dropna(subset="score").assign(outside=lambda part: 1 - part["score"])
    return rows.sort_values("outside", ascending=False)
