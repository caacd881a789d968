"""Declared: what the guide says of all methods and metrics, from what they declare."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from recipes import facts

METHOD_COLUMNS = (
    "Forward passes: what the definition costs per image. Signed: negative values contradict the "
    "class."
)
METRIC_COLUMNS = "Arrow: the better side; metrics without one describe and never enter a ranking."
READING = (
    (
        "Colours",
        "Red supports the class, blue contradicts it, pale says nothing. Every map is divided by "
        "its own 99.5th percentile, because methods have different units: compare places and "
        "shapes, not strengths.",
    ),
    (
        "Null baselines",
        "Random values, a Gaussian in the centre, Sobel edges and a uniform map know nothing of "
        "the model. A method that is not told apart from them in a metric has shown nothing there; "
        "a metric that ranks them high says something else than meant.",
    ),
    (
        "Intervals and ranks",
        "CIs are 95 % BCa bootstrap CIs of the mean over images. Three ranks are kept apart: the "
        "mean rank comes from ranking the methods on every image in one metric; the headline rank "
        "is its mean over the declared headline metrics; the benchmark rank orders the means over "
        "benchmarks whose answer is known. Two methods whose mean ranks differ by less than the "
        "critical difference are not told apart by these images.",
    ),
    (
        "Same maps",
        "On a model that ends in global average pooling and one linear layer, CAM, Grad-CAM, "
        "HiResCAM and XGrad-CAM are the same map up to a factor. They are counted once in ranks.",
    ),
    (
        "Faithful is not plausible",
        "Faithfulness metrics ask whether the model uses what a map shows; localisation asks "
        "whether a map shows the object. A model that looks at the background gets faithful maps "
        "that localise badly.",
    ),
)


def by_title(kind: facts.Kind) -> dict[str, facts.Facts]:
    """What is known of a kind, in the order of the titles that people read."""
    known = facts.facts(kind)
    return dict(sorted(known.items(), key=lambda item: str(item[1].title).casefold()))


def method_table(passes: Mapping[str, float]) -> pd.DataFrame:
    """Every method with its family, its cost where a run measured it, and its source."""
    table = pd.DataFrame(
        {
            "Method": fact.title,
            "Family": fact.family,
            "Forward passes": passes.get(name),
            "Signed": fact.signed,
            "Depends on the class": fact.constants.get("class_sensitive", True),
            "Computed by": fact.constants.get("backed_by", "own"),
            "Reference": fact.reference,
        }
        for name, fact in by_title("methods").items()
    )
    whole = table["Forward passes"].astype("Float64").round().astype("Int64")
    return table.assign(**{"Forward passes": whole})


def metric_table() -> pd.DataFrame:
    """Every metric with its kind, direction and source."""
    return pd.DataFrame(
        {
            "Metric": f"{fact.title} {fact.arrow}".strip(),
            "Kind": fact.kind,
            "Needs masks": fact.constants.get("needs_masks", False),
            "Reference": fact.reference,
        }
        for fact in by_title("metrics").values()
    )
