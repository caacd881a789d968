"""Shortcut contrast: does the map tell a model that uses the sticker from one that does not?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xai_core.ground_truth.benchmarks._units import shots_for_units, spread, units_of
from xai_core.ground_truth.benchmarks.base import Benchmark
from xai_core.methods.base import Method
from xai_core.metrics._masks import masks_of, with_reasons
from xai_core.metrics.base import Case, Scores, Work
from xai_core.models.classifier import Classifier
from xai_core.orchard.shot import Shot

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ShortcutContrast(Benchmark):
    """AUROC with which s separates the model that learned the sticker from its control.

    s = sum over the sticker of max(M, 0) / sum over the image of max(M, 0), on the same images
    for both models. `score` gives s on one model; `contrast` makes scores of two models' s.
    """

    title = "Shortcut contrast"
    reference = "after Yang & Kim, 2019, arXiv 1907.09701 (BAM)"
    revision = 2
    images = "stickers"
    bounds = (-1.0, 2.0)  # of an image; the mean is in 0..1
    needs_masks = True
    needs_shots = True
    formula = (
        r"\Pr\left(s^{\mathrm{shortcut}} > s^{\mathrm{control}}\right)"
        r" + \tfrac{1}{2} \Pr\left(s^{\mathrm{shortcut}} = s^{\mathrm{control}}\right)"
    )
    caveat = (
        "A high share on the sticker alone is no evidence: it attracts attribution whether it is "
        "used or not, so only the difference between the two models counts."
    )

    def shots(self, shot: Shot) -> list[Shot]:
        return shots_for_units(shot)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        return (Work("units", 9, per_map=False),)

    def known_answer(self, case: Case) -> Tensor:
        """Each part's positive importance, spread over its pixels."""
        pairs = zip(units_of(case), case.targets.tolist(), strict=True)
        things = [(units.things(), target) for units, target in pairs]
        found = [spread(u.importance(target).clamp(min=0), u.regions) for u, target in things]
        return torch.stack(found).to(case.maps)

    def _score(self, case: Case) -> Scores:
        positive = case.maps.flatten(1).double().clamp(min=0)
        inside = (positive * masks_of(case).flatten(1)).sum(dim=1)
        total = positive.sum(dim=1)
        values = torch.where(total > 0, inside / total, torch.nan)
        return with_reasons(case, values, total <= 0, "the map has no positive value")


def contrast(shortcut: Floats, control: Floats) -> Floats:
    """(N,) scores of N images whose mean is the AUROC of shares (N,) on the two models.

    Of image i, the share of control images below its share on the shortcut model, plus the share
    of shortcut images above its share on the control model, less the AUROC; ties count one half.
    These spread as the AUROC's own influences do, so intervals and tests over images hold (DeLong
    1988). NaN where either share is undefined.
    """
    defined = ~(np.isnan(shortcut) | np.isnan(control))
    wins = _above(shortcut[defined][:, None], control[defined][None, :])
    scores = np.full(len(shortcut), np.nan)
    if defined.any():
        scores[defined] = wins.mean(axis=1) + wins.mean(axis=0) - wins.mean()
    return scores


def _above(first: Floats, second: Floats) -> Floats:
    wins: Floats = (first > second) + 0.5 * (first == second)
    return wins
