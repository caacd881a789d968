"""Truth wording: ground-truth results in plain sentences; every word follows from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from xai_core.evaluation.statistics import is_too_few

if TYPE_CHECKING:
    from truth import TwoNetworks

INTERVALS = "95 % BCa bootstrap intervals of the mean over pictures, 2,000 resamples, seed 0"
TABLE = (
    "Means over pictures. Mean rank: over the benchmarks that know what the network uses, methods "
    "that coincide on this network counted once, 1 is best."
)
TRUST = (
    "Each measure ranks the methods by its mean on the shipped run; the known truth by the mean "
    "rank over the benchmarks. Tau-b is 1 where both orders agree, 0 where they have nothing to "
    "do with each other. Intervals: 95 %, bootstrap over methods (1,000 resamples, seed 0). "
    "Blue and orange: p below 0.05 for this measure alone. Few methods make wide intervals."
)
TRUST_TABLE = "Kendall's tau-b of each measure's means with each benchmark's means, over methods."
SHORTCUT = (
    "Same pictures, same class, two networks: one learned from stickers that tell the class, its "
    "control from the same stickers dealt at random. A large share on the sticker is no evidence "
    "of its use; only the difference between the networks is. AUROC 0.5 is chance. Boxes: "
    "quartiles over pictures. The oracle spreads each part's measured importance over its pixels."
)
DECLINES = (
    "Tau-b between step and lost score: 1 means that every step costs score, 0 that the measure "
    "does not notice."
)
CHECKS = "What must hold for the scores to mean what they say."


def benchmark_caption(manifest: Mapping[str, Any], metric: str, pictures: int, methods: int) -> str:
    """What one benchmark computes and what its numbers rest on; `methods` differ on the network."""
    caveats = {m["spec"]: m.get("caveat", "") for m in manifest["metrics"].values()}
    network = manifest["classifier"]["name"]
    return (
        f"{pictures} pictures, network {network}; {INTERVALS}. Green line: the oracle, which is "
        f"told the answer. Dashed: the best null baseline. {caveats.get(metric, '')}"
        f"{too_few(pictures, methods)}"
    )


def too_few(pictures: int, methods: int) -> str:
    """Where no two methods could ever be told apart, that n is too small; else nothing."""
    if not is_too_few(pictures, methods):
        return ""
    return (
        f" n = {pictures} is too small for any claim: among {methods} methods not even one that "
        "is better on every picture would be told apart at 5 %."
    )


def unit_title(unit: str) -> str:
    """What can be removed from a scene: "the stem", "distractor 1", "the shadow"."""
    if unit.startswith("distractor."):
        return f"distractor {int(unit.split('.')[1]) + 1}"
    return "the " + unit.split(".")[-1].replace("_", " ")


def scene_caption(page: Mapping[str, Any]) -> str:
    """What is shown of one scene."""
    return (
        f"Importance: what the score of {page['target']} ({page['logit']:.2f} for the whole scene) "
        "loses when the scene is drawn without the part, divided by the largest such loss. Bars of "
        "methods: the share of the positive attribution that lies on the part, widened by 2 px; "
        "parts then overlap and light effects lie on other parts, so shares do not add up to 1."
    )


def sticker_sentences(checks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Whether the two networks use the sticker, by intervention."""
    said = []
    for name, check in checks.items():
        loses = f"loses {check['drop'] * 100:.0f} points" if check["drop"] > 0 else "loses nothing"
        said.append(
            f"When stickers are swapped, {name} {loses} of accuracy on the four sticker classes "
            f"({check['own']:.1%} to {check['swapped']:.1%}, {check['images']} pictures)."
        )
    return said or ["Whether the networks use the sticker was not measured."]


def decline_table(declines: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> pd.DataFrame:
    """Measures x ways of making a map worse: how well the loss of score follows the steps."""
    table = pd.DataFrame(declines).pivot_table(
        index="metric", columns="way", values="in_order", sort=False, dropna=False
    )
    return table.rename(index=dict(titles)).reset_index(names="Measure")


def two_networks(other: TwoNetworks) -> str:
    """The caption of the comparison of two training seeds."""
    right = ""
    if other.right is not None:
        right = f", right on {other.right[1]:.0%} of the scenes where this one is on "
        right += f"{other.right[0]:.0%}"
    return (
        f"Spearman correlation of {other.methods} methods' means with those on {other.name}, a "
        f"network trained from another seed{right}: 1 means that both networks rank the methods "
        "alike."
    )
