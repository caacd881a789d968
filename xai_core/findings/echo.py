"""Echo: whether a run on other images, or of another model, repeats what one run shows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from xai_core.evaluation.lead import LEAST_IMAGES, paired
from xai_core.findings.phrases import about, inside, numbered
from xai_core.findings.superpixel_wording import BLIND, Answer, metrics_in
from xai_core.titles import joined, label_of


@dataclass(frozen=True)
class Echo:
    """Of the pairs of methods that one run tells apart (`told`), what another one shows.

    `confirmed`: told apart there, too, and the same method is better; `contradicted`: the other
    one is. `images`: those of the other run.
    """

    told: int
    confirmed: int
    contradicted: int
    images: int


def echo(here: pd.DataFrame, there: pd.DataFrame, higher_is_better: bool) -> Echo | None:
    """`here`, `there`: images x methods of one metric; None where the runs cannot be compared.

    Each run by paired Wilcoxon tests of the methods that both hold, Holm-corrected over the pairs.
    """
    shared = [str(method) for method in here if method in there]
    images = min(len(here[shared].dropna()), len(there[shared].dropna()))
    if len(shared) < 2 or images < LEAST_IMAGES:
        return None
    pairs = list(combinations(shared, 2))
    mine, other = (
        paired(scores[shared], pairs, higher_is_better)["side"].to_numpy()
        for scores in (here, there)
    )
    return Echo(
        told=int((mine != 0).sum()),
        confirmed=int((mine * other > 0).sum()),
        contradicted=int((mine * other < 0).sum()),
        images=len(there[shared].dropna()),
    )


def echo_says(found: Echo | None, metric: str, there: dict[str, Any]) -> str:
    """What the other run says of the pairs that this one tells apart; "" where nothing is."""
    if found is None or not found.told:
        return ""
    where = about(there, found.images)
    pairs = numbered(found.told, "pair")
    title = inside(label_of(metric, "metrics"))
    return (
        f"Of {pairs} of methods told apart here in {title}, {where} shows {found.confirmed} the "
        f"same way and {found.contradicted} the other way round."
    )


def superpixels_say(first: Answer, second: Answer) -> list[str]:
    """CAM or SeCAM on other images: the second run's finding, and where both agree."""
    if first.table.empty or second.table.empty:
        return []
    both = first.table.merge(second.table, on="metric", suffixes=("", "_there"))
    both = both[(both["group"] != BLIND) & (both["group_there"] != BLIND)]
    if both.empty:
        return [second.sentences[0], "No metric is informative on both."]
    here, there = both["side"], both["side_there"]
    parts = {
        "SeCAM is better in": both[(here > 0) & (there > 0)],
        "CAM is better in": both[(here < 0) & (there < 0)],
        "they contradict each other in": both[here * there < 0],
        "only one of the two data sets shows a difference in": both[(here == 0) != (there == 0)],
        "neither data set shows a difference in": both[(here == 0) & (there == 0)],
    }
    said = [f"{words} {joined(metrics_in(part))}" for words, part in parts.items() if len(part)]
    return [second.sentences[0], f"Taken together: {'; '.join(said)}."]
