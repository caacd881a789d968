"""Two runs' wording: what a second run does better on the same images; every word from a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xai_core.evaluation.lead import ALPHA
from xai_core.evaluation.statistics import smallest_p
from xai_core.evaluation.two_runs import TwoRuns
from xai_core.findings import results
from xai_core.findings.phrases import capital, few, inside
from xai_core.titles import label_of

CAPTION = (
    "Gain: mean paired difference over the images that both runs have, positive where {second} is "
    "better, 95 % BCa CI (2,000 bootstrap samples, seed 0). p: Wilcoxon's signed-rank test, "
    "Holm-corrected over the methods; told apart at 5 % where the interval agrees."
)


def problem(both: TwoRuns, first: str, second: str) -> str:
    """Why two runs cannot be paired, in one sentence; "" where they can."""
    if not both.images:
        return (
            f"{first} and {second} have no image in common, so no paired test compares them: "
            "evaluate both models on the same images."
        )
    if both.first.empty:
        return (
            f"{first} and {second} have no method and metric with the same settings in common: "
            "evaluate one of them again."
        )
    return ""


def shared_says(both: TwoRuns, first: str, second: str, manifest: Mapping[str, Any]) -> str:
    """What the comparison rests on: "a and b share 240 images of orchard; ..."."""
    noun = "image" if both.images == 1 else "images"
    return (
        f"{first} and {second} share {both.images} {noun} of {manifest['dataset']}; each explains "
        f"what its own model predicts, on {both.same_class} of them the same class."
    )


def gains_say(
    table: pd.DataFrame, metric: str, first: str, second: str, manifest: dict[str, Any]
) -> str:
    """For which methods the second run is better in one metric; `table` as from `paired_gains`."""
    title = inside(label_of(metric, "metrics"))
    if table.empty:
        return f"In {title} no method is defined in both runs."
    images = int(table["n"].min())
    if smallest_p(images, len(table)) > ALPHA:
        return f"In {title} {images} images are too few to tell the two runs apart."
    sure = table["told_apart"]
    groups = {
        f"{second} is better than {first} for": table[sure & (table["gain"] > 0)],
        f"{second} is worse than {first} for": table[sure & (table["gain"] < 0)],
        "they are not told apart for": table[~sure],
    }
    names = {m: results.method_title(str(m), manifest) for m in table["method"]}
    parts = [
        f"{words} {few([names[m] for m in rows['method']], len(table))}"
        for words, rows in groups.items()
        if len(rows)
    ]
    said = "; ".join(parts).replace(f"; {second} is worse than {first}", "; worse")
    if sure.sum() == 0:
        said = said.replace("they", f"{first} and {second}", 1)
    return capital(f"in {title} {said}.")


def gains_table(table: pd.DataFrame, first: str, second: str, manifest: dict[str, Any]) -> Any:
    """`paired_gains` as it is shown, the largest gain first."""
    shown = table.sort_values("gain", ascending=False)
    return pd.DataFrame(
        {
            "Method": [results.method_title(str(m), manifest) for m in shown["method"]],
            "n": shown["n"].to_numpy(),
            first: shown["first_mean"].to_numpy(),
            second: shown["second_mean"].to_numpy(),
            "Gain": shown["gain"].to_numpy(),
            "CI low": shown["low"].to_numpy(),
            "CI high": shown["high"].to_numpy(),
            "better on": [f"{int(w)} of {int(n)}" for w, n in
                          zip(shown["wins"], shown["n"], strict=True)],
            "p (Holm)": shown["p_holm"].to_numpy(),
        }
    )  # fmt: skip
