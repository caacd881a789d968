"""Lead wording: who leads one metric and how sure that is; every word follows from tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xai_core.evaluation.convergence import SETTLED
from xai_core.evaluation.lead import Lead
from xai_core.findings import results
from xai_core.findings.phrases import (
    about,
    bootstrap_share,
    capital,
    ci,
    few,
    inside,
    p_value,
    twins,
)
from xai_core.findings.results import Finished
from xai_core.titles import joined, label_of

UNSETTLED, UNMEASURED = "†", "‡"
NULLS = (
    "Gain over the null baseline that a method gains least over: mean paired difference, positive "
    "where the method is better, 95 % BCa CI (2,000 bootstrap samples, seed 0). p: Wilcoxon's "
    "signed-rank test, Holm-corrected over all methods and null baselines. Better: than every null "
    "baseline; worse: than at least one."
)
NO_NULLS = (
    "No null baseline was evaluated, so nothing here shows that a method knows more than chance: "
    "add Random and Centre Gaussian."
)
GROUPS = {"better": "better", "open": "not told apart", "worse": "worse"}


def lead_says(
    found: Lead | None,
    manifest: dict[str, Any],
    metric: str,
    same: Sequence[Sequence[str]] = (),
    finished: Finished | None = None,
    agreements: Mapping[str, float | None] | None = None,
) -> list[str]:
    """Who leads one metric, by how much, who is better than chance; or why that cannot be told."""
    title = label_of(metric, "metrics")
    if results.is_higher_better(metric, manifest) is None:
        return [f"{title} describes maps; it does not say which is better."]
    said = unfinished_says(finished)
    if found is None:
        return [*said, f"{title}: fewer than two methods are scored, so none leads."]
    said += [_first(found, manifest, metric, same), *_left_out(found)]
    if found.images < found.least:
        return [*said, _too_few(found)]
    said += [_gap(found, manifest, same), *_nulls(found, manifest)]
    return said + _seeds(found, manifest, agreements or {})


def unfinished_says(finished: Finished | None) -> list[str]:
    """That a run was stopped or is at work still, and how far it is; nothing for a whole run."""
    if finished is None:
        return []
    return [
        f"This run is unfinished: {finished.images} of {finished.asked} images are scored by all "
        "methods so far; what follows may change."
    ]


def _first(
    found: Lead, manifest: dict[str, Any], metric: str, same: Sequence[Sequence[str]]
) -> str:
    title = inside(label_of(metric, "metrics"))
    sentence = (
        f"On {about(manifest, found.images)}, {_named(found.leader, manifest, same)} has the best "
        f"mean in {title}: {found.means.iloc[0]:z.3f}"
    )
    if found.images < found.least:
        return f"{sentence}."
    return (
        f"{sentence}; it ranks first in {bootstrap_share(found.share)} of 2,000 bootstrap samples."
    )


def _left_out(found: Lead) -> list[str]:
    if not found.left_out:
        return []
    images, them = ("1 image is", "it") if found.left_out == 1 else (
        f"{found.left_out} images are", "them")  # fmt: skip
    return [
        f"{images} left out of this comparison, since some method has no score on {them}; each "
        "method's own mean may differ."
    ]


def _too_few(found: Lead) -> str:
    count = "1 image is" if found.images == 1 else f"{found.images} images are"
    return (
        f"{count} too few to tell methods apart: {found.tests} "
        f"comparison{'s' if found.tests > 1 else ''} need at least {found.least}."
    )


def _gap(found: Lead, manifest: dict[str, Any], same: Sequence[Sequence[str]]) -> str:
    second = _named(found.runner_up, manifest, same)
    gap = f"{found.gap:z.3f}, {ci(found.low, found.high)}, {p_value(found.p_holm)}"
    if found.is_told_apart:
        return f"The gap to the runner-up, {second}, is {gap}: beyond chance."
    others = [results.method_title(m, manifest) for m in found.open_with if m != found.runner_up]
    more = f" The same holds for {few(others)}." if others else ""
    return f"It is not told apart from the runner-up, {second}: gap {gap}.{more}"


def _nulls(found: Lead, manifest: dict[str, Any]) -> list[str]:
    if found.groups.empty:
        return [NO_NULLS]
    parts: list[str] = []
    for group, words in (
        ("better", "better than every"),
        ("open", "not told apart from at least one"),
        ("worse", "worse than at least one"),
    ):
        own = set(found.groups.index[found.groups["group"] == group])
        names = [results.method_title(str(m), manifest) for m in found.means.index if m in own]
        if names:
            noun = "" if parts else " null baseline"
            parts.append(f"{words}{noun}: {few(names, len(found.groups))}")
    said = [capital("; ".join(parts)) + "."]
    own_group = found.groups["group"].get(found.leader)
    if own_group in ("open", "worse"):
        null = results.method_title(str(found.groups.loc[found.leader, "null"]), manifest)
        name = results.method_title(found.leader, manifest)
        said.insert(0, f"{name} is not told apart from {null}, which knows nothing of the model.")
    return said


def _seeds(
    found: Lead, manifest: dict[str, Any], agreements: Mapping[str, float | None]
) -> list[str]:
    value = agreements.get(found.leader)
    if value is None or value >= SETTLED:
        return []
    name = results.method_title(found.leader, manifest)
    return [f"{name} draws samples, and two seeds of it agree to {value:.2f} only: its place may "
            "change with the seed."]  # fmt: skip


def _named(method: str, manifest: dict[str, Any], same: Sequence[Sequence[str]]) -> str:
    title = twins(method, same, manifest)
    is_null = results.family_of(method, manifest) == "baseline"
    return f"{title} (a null baseline)" if is_null else title


def marked(title: str, method: str, agreements: Mapping[str, float | None]) -> str:
    """A title with its mark where another seed may change the method's place."""
    if method not in agreements:
        return title
    value = agreements[method]
    if value is None:
        return f"{title} {UNMEASURED}"
    return f"{title} {UNSETTLED}" if value < SETTLED else title


def marks_say(agreements: Mapping[str, float | None], manifest: dict[str, Any]) -> str:
    """What the marks of sampled methods mean; "" where there is none."""
    low = [
        f"{results.method_title(m, manifest)} {value:.2f}"
        for m, value in agreements.items()
        if value is not None and value < SETTLED
    ]
    unknown = [results.method_title(m, manifest) for m, v in agreements.items() if v is None]
    said = []
    if low:
        said.append(
            f"{UNSETTLED} Draws samples: the maps of two seeds correlate below {SETTLED} "
            f"(Spearman: {joined(low)}), so its place may change with the seed."
        )
    if unknown:
        said.append(
            f"{UNMEASURED} Draws samples; how far two seeds agree was not measured on this model: "
            f"{joined(unknown)}."
        )
    return " ".join(said)


def null_table(found: Lead, manifest: dict[str, Any]) -> pd.DataFrame:
    """Every method against the null baseline that it gains least over."""
    groups = found.groups
    titles = [results.method_title(str(m), manifest) for m in groups.index]
    nulls = [results.method_title(str(m), manifest) for m in groups["null"]]
    return pd.DataFrame(
        {
            "Method": titles,
            "Against null baselines": [GROUPS[group] for group in groups["group"]],
            "Hardest null baseline": nulls,
            "n": groups["n"].to_numpy(),
            "Gain over it": groups["gain"].to_numpy(),
            "CI low": groups["low"].to_numpy(),
            "CI high": groups["high"].to_numpy(),
            "p (Holm)": groups["p_holm"].to_numpy(),
        }
    ).sort_values("Gain over it", ascending=False)
