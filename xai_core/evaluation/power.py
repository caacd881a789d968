"""Power: how many pairs of methods a metric tells apart, and how many images it would need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from xai_core.evaluation.lead import ALPHA, least_images, paired

POWER = 0.8
WILCOXON_EFFICIENCY = 3 / np.pi
"""Of the signed-rank test against the t test, where differences are normal."""


@dataclass(frozen=True)
class Discriminating:
    """Of `pairs` of methods, those told `apart` on n images; `needed` for half of the pairs.

    `needed` is None where half of the pairs have no difference at all.
    """

    pairs: int
    apart: int
    images: int
    needed: int | None

    @property
    def share(self) -> float:
        return self.apart / self.pairs if self.pairs else float("nan")


def discriminating_power(
    by_method: pd.DataFrame, higher_is_better: bool, without: Collection[str] = ()
) -> Discriminating:
    """`by_method`: images x methods, equal methods once; the methods in `without` are left out.

    Told apart: as in `lead.paired`, Holm-corrected over all pairs. Images on which a method has
    no score do not count.
    """
    shown = by_method[[name for name in by_method if name not in without]].dropna()
    pairs = [(str(a), str(b)) for a, b in combinations(shown, 2)]
    if not pairs or len(shown) < 2:
        return Discriminating(len(pairs), 0, len(shown), None)
    apart = int((paired(shown, pairs, higher_is_better)["side"] != 0).sum())
    needed = sorted(images_needed(shown[a] - shown[b], len(pairs)) for a, b in pairs)
    # with fewer than `least_images` not even one pair could be told apart
    middle = max(needed[(len(pairs) - 1) // 2], least_images(len(pairs)))
    return Discriminating(
        len(pairs), apart, len(shown), int(middle) if np.isfinite(middle) else None
    )


def images_needed(differences: pd.Series[float], tests: int) -> float:
    """Images with which the signed-rank test shows this mean difference in 80 % of samples.

    At 5 % over so many tests (Bonferroni, which Holm's correction never exceeds), by the normal
    approximation n = ((z_alpha + z_power) / d)^2 pi / 3, d the mean in standard deviations;
    infinite where the mean is 0.
    """
    mean, deviation = float(differences.mean()), float(differences.std())
    if mean == 0 or np.isnan(mean):
        return float("inf")
    reach = float(stats.norm.isf(ALPHA / (2 * tests)) + stats.norm.ppf(POWER))
    return float(np.ceil(max(2.0, (reach * deviation / mean) ** 2 / WILCOXON_EFFICIENCY)))
