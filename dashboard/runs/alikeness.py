"""Alikeness: how alike the maps of two methods are, on one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from xai_core.images.reading import Floats

TOP_SHARE = 0.2


def rank_correlations(maps: Sequence[Floats]) -> npt.NDArray[np.float64]:
    """Spearman correlations (M, M) over pixels, ties averaged; NaN for a constant map."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(values.ravel()) for values in maps])
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = ranks - ranks.mean(axis=1, keepdims=True)
        unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)


def top_overlaps(maps: Sequence[Floats], share: float = TOP_SHARE) -> npt.NDArray[np.float64]:
    """Intersection over union (M, M) of the pixels with the largest values, `share` of all.

    Pixels that tie at the border of the share count with the fraction of them that belongs to it.
    """
    tops = np.stack([_membership(values.ravel(), share) for values in maps])
    common = np.minimum(tops[:, None], tops[None]).sum(axis=2)
    either = np.maximum(tops[:, None], tops[None]).sum(axis=2)
    return np.asarray(common / either)


def _membership(values: Floats, share: float) -> npt.NDArray[np.float64]:
    count = max(1, round(share * values.size))
    border = np.partition(values, -count)[-count]
    above, tied = values > border, values == border
    return np.asarray(above + tied * ((count - above.sum()) / tied.sum()))
