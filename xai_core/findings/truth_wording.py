"""Truth wording: ground-truth results in plain sentences; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from xai_core.evaluation.lead import ALPHA, LEAST_IMAGES
from xai_core.evaluation.statistics import is_too_few
from xai_core.findings.phrases import about, bootstrap_share, capital, ci, p_value, twins
from xai_core.titles import joined, percent

if TYPE_CHECKING:
    from xai_core.findings.truth import TwoSeeds

INTERVALS = "95 % BCa CIs of the mean over images, 2,000 bootstrap samples, seed 0"
TABLE = (
    "Means over images. Benchmark rank: the mean of the ranks of a method's means over the "
    "benchmarks that know what the model uses, variants of a benchmark and methods with the same "
    "scores counted once; 1 is best. CI and ranks first: 2,000 bootstrap samples of the images, "
    "seed 0."
)
NOT_COMPARED = "The order of the methods is not compared with that of {run}. {said}"
POWER = (
    "Of all pairs of methods (equal ones counted once), those whose scores differ at 5 %: "
    "Wilcoxon's signed-rank test, Holm-corrected over the pairs. Needs: the images with which half "
    "of the pairs would be told apart with a power of 80 % if the mean differences are what they "
    "are here (normal approximation, Bonferroni). Dashed: half of the pairs."
)
OTHER_MODEL = (
    "No benchmark with a known answer was run on your model: campare evaluate --benchmark all."
)
TRUST = (
    "Each metric ranks the methods by its mean on {run}; the known truth by the benchmark rank. "
    "τ-b is 1 where both orders agree, 0 where they have nothing to do with each other. Null "
    "baselines are left out; CAM, SeCAM and their controls are counted once: {methods} methods. "
    "95 % CIs: bootstrap over methods (1,000 samples, seed 0). Grey: p is 0.05 or more, "
    "Holm-corrected over the metrics. Few methods make wide CIs."
)
TRUST_TABLE = (
    "Kendall's τ-b of each metric's means with each benchmark's means, over the same methods."
)
SHORTCUT = (
    "Same images, same class, two models: one learned from stickers that tell the class, its "
    "control from the same stickers dealt at random. A large share on the sticker is no evidence "
    "of its use; only the difference between the models is. AUROC 0.5 is chance. Boxes: "
    "quartiles over images. The oracle spreads each part's measured importance over its pixels."
)
DECLINES = (
    "τ-b between step and lost score: 1 means that every step costs score, 0 that the metric "
    "does not notice."
)
ROUNDING = 1e-6
"""What sums of float32 scores may differ by."""
CHECKS = "What must hold for the scores to mean what they say."


def benchmark_caption(
    manifest: dict[str, Any],
    metric: str,
    images: int,
    methods: int,
    oracle: str,
    has_nulls: bool,
) -> str:
    """What one benchmark computes and what its numbers rest on; only lines that are drawn.

    `methods`: how many differ on the model; `oracle`: what its line means, "" without one.
    """
    caveats = {m["spec"]: m.get("caveat", "") for m in manifest["metrics"].values()}
    parts = [f"{capital(about(manifest, images))}; {INTERVALS}."]
    parts += [oracle] if oracle else []
    if has_nulls:
        parts.append("Dashed: the best null baseline.")
    return " ".join([*parts, caveats.get(metric, "")]).strip() + too_few(images, methods)


def oracle_says(means: pd.Series[float], ceiling: float | None, higher_is_better: bool) -> str:
    """What the line at the oracle's mean is, beside the methods' means; "" where there is none."""
    if ceiling is None:
        return ""
    sign = 1.0 if higher_is_better else -1.0
    if float((sign * means).max()) <= sign * ceiling + ROUNDING:
        return "Green line: the oracle (upper bound)."
    return (
        "Green line: the oracle, no upper bound here: it orders parts by what each does by itself, "
        "and parts that work together can do more in another order."
    )


def ranks_say(
    ranks: pd.DataFrame,
    benchmarks: int,
    manifest: dict[str, Any],
    images: Sequence[int],
    same: Sequence[Sequence[str]],
) -> list[str]:
    """Who has the best benchmark rank, in how many bootstrap samples; `ranks` best first.

    `images`: how many each benchmark has.
    """
    if ranks.empty:
        return ["No method was scored by every benchmark here."]
    low, high = min(images), max(images)
    where = about(manifest, f"{low} to {high}" if low < high else high)
    if high < LEAST_IMAGES:
        return [f"On {where}: too few images to tell methods apart."]
    best = ranks.iloc[0]
    first = [str(method) for method in ranks.index[ranks["rank"] == best["rank"]]]
    names = joined([twins(method, same, manifest) for method in first])
    noun = "benchmarks" if benchmarks > 1 else "benchmark"
    share = joined([bootstrap_share(value) for value in ranks.loc[first, "first"]])
    who = "it ranks" if len(first) == 1 else "they rank"
    said = [
        f"On {where} and over {benchmarks} {noun}, {names} {'has' if len(first) == 1 else 'share'} "
        f"the best benchmark rank of {len(ranks)} methods: {best['rank']:.1f}, "
        f"{ci(best['low'], best['high'], 1)}; {who} first in {share} of 2,000 bootstrap samples."
    ]
    often = str(ranks["first"].idxmax())
    if often not in first:
        said.append(
            f"{twins(often, same, manifest)} ranks first in more of them: "
            f"{bootstrap_share(float(ranks['first'][often]))}."
        )
    return said


def nothing_to_trust(has_run: bool) -> str:
    """Why no metric is compared with the known truth."""
    if not has_run:
        return "No precomputed run is of the same model, so no metrics can be compared."
    return (
        "Fewer than three methods are in both runs, so no order can be compared: null baselines "
        "are left out, and CAM, SeCAM and their controls count once. Evaluate more methods."
    )


def trust_says(trusted: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Which metrics rank the methods as the known truth does, Holm-corrected over the metrics."""
    if trusted.empty:
        return []
    methods = int(trusted["methods"].max())
    sure = trusted[trusted["p_holm"] < ALPHA]
    said = []
    for part, words in (
        (sure[sure["tau"] > 0], "as the known truth does"),
        (sure[sure["tau"] < 0], "against the known truth"),
    ):
        if len(part):
            who = capital(joined([names.get(str(m), str(m)) for m in part["metric"]]))
            verb = "ranks" if len(part) == 1 else "rank"
            said.append(f"{who} {verb} {methods} methods {words}, beyond chance (Holm).")
    if not (sure["tau"] > 0).any():
        top = trusted.sort_values("tau", ascending=False).iloc[0]
        said.insert(
            0,
            f"None of {len(trusted)} metrics is shown to rank {methods} methods (null baselines "
            f"out, CAM's variants once) as the known truth does; the nearest is "
            f"{names.get(top['metric'], top['metric'])} (τ-b = {top['tau']:z.2f}, "
            f"{ci(top['low'], top['high'], 2)}, {p_value(top['p_holm'])} after Holm).",
        )
    return said


def too_few(images: int, methods: int) -> str:
    """Where no two methods could ever be told apart, that n is too small; else nothing."""
    if not is_too_few(images, methods):
        return ""
    return (
        f" n = {images} is too small for any claim: among {methods} methods not even one that "
        "is better on every image would be told apart at 5 %."
    )


def unit_title(unit: str) -> str:
    """What can be removed from a scene: "the stem", "distractor 1", "the shadow"."""
    if unit.startswith("distractor."):
        return f"distractor {int(unit.split('.')[1]) + 1}"
    return "the " + unit.split(".")[-1].replace("_", " ")


def scene_caption(page: Mapping[str, Any]) -> str:
    """What is shown of one scene."""
    return (
        f"Importance: what the logit of {page['target']} ({page['logit']:.2f} for the whole scene) "
        "loses when the scene is drawn without the part, divided by the largest such loss. Bars of "
        "methods: the share of the positive attribution that lies on the part, widened by 2 px; "
        "parts then overlap and light effects lie on other parts, so shares do not add up to 1."
    )


def sticker_sentences(checks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Whether the two models use the sticker, by intervention."""
    said = []
    for name, check in checks.items():
        loses = f"loses {check['drop'] * 100:.1f} points" if check["drop"] > 0 else "loses nothing"
        said.append(
            f"When stickers are swapped, {name} {loses} of accuracy on the four sticker classes "
            f"({percent(check['own'], 1)} to {percent(check['swapped'], 1)}, "
            f"n = {check['images']} images)."
        )
    return said or ["Whether the models use the sticker was not measured."]


def decline_table(declines: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> pd.DataFrame:
    """Metrics x ways of degrading a heatmap: how well the loss of score follows the steps."""
    table = pd.DataFrame(declines).pivot_table(
        index="metric", columns="way", values="in_order", sort=False, dropna=False
    )
    return table.rename(index=dict(titles)).reset_index(names="Metric")


def two_seeds(other: TwoSeeds) -> str:
    """The caption of the comparison of two training seeds."""
    right = ""
    if other.right is not None:
        right = f", right on {percent(other.right[1])} of the scenes where this one is on "
        right += percent(other.right[0])
    return (
        f"Kendall's τ-b of {other.methods} methods' means with those on {other.name}, a model "
        f"trained from another seed{right}: 1 means that both models rank the methods alike. Null "
        "baselines are left out; CAM, SeCAM and their controls are counted once. 95 % CIs: "
        "bootstrap over methods (1,000 samples, seed 0)."
    )
