"""Shipped maps: the gallery, the channels and the convergence that come with the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from runs import tables
from runs.keeping import kept
from xai_core.evaluation.convergence import FILE, load_convergence
from xai_core.evaluation.feature_book import FeatureBook, load_feature_book
from xai_core.evaluation.gallery import Gallery, load_gallery
from xai_core.images.reading import (
    Floats,
)

if TYPE_CHECKING:
    pass


def gallery() -> Gallery | None:
    """The shipped maps and scores, or None where there are none."""
    return _gallery(tables.SHIPPED, tables.stamp_of(tables.SHIPPED / "gallery" / "index.json"))


@kept
def _gallery(run_dir: Path, stamp: float) -> Gallery | None:
    return load_gallery(run_dir)


@kept
def gallery_entries(stamp: float, name: str) -> dict[str, Any]:
    shipped = gallery()
    return shipped.entries(name) if shipped else {}


@kept
def gallery_maps(stamp: float, name: str, method: str) -> Floats:
    shipped = gallery()
    if shipped is None:
        raise KeyError(name)
    return shipped.maps(name, method)


def convergence() -> dict[str, Any] | None:
    """The agreement of two seeds by number of samples, where the shipped run has it."""
    return _convergence(tables.SHIPPED, tables.stamp_of(tables.SHIPPED / FILE))


@kept
def _convergence(run_dir: Path, stamp: float) -> dict[str, Any] | None:
    return load_convergence(run_dir)


def feature_book() -> FeatureBook | None:
    """The shipped channels with their drawings, or None where there are none."""
    return _feature_book(
        tables.SHIPPED, tables.stamp_of(tables.SHIPPED / "features" / "index.json")
    )


@kept
def _feature_book(run_dir: Path, stamp: float) -> FeatureBook | None:
    return load_feature_book(run_dir)


def gallery_stamp() -> float:
    return tables.stamp_of(tables.SHIPPED / "gallery" / "index.json")


@kept
def map_agreement(
    stamp: float,
) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """Methods, their maps' mean rank correlations over the gallery's images, and the number.

    Before the number the means' intervals (methods, methods, 2), NaN where an image has none.
    """
    from runs.alikeness import rank_correlations
    from xai_core.evaluation.statistics import bca_interval

    shipped = gallery()
    if shipped is None:
        return [], np.empty((0, 0)), np.empty((0, 0, 2)), 0
    names = [entry["name"] for entry in shipped.pictures]
    stored = [set(gallery_entries(stamp, name)) for name in names]
    methods = [m for m in gallery_entries(stamp, names[0]) if all(m in s for s in stored)]
    pairs = [
        rank_correlations([gallery_maps(stamp, name, method)[0] for method in methods])
        for name in names
    ]
    stacked = np.ma.masked_invalid(pairs)
    everywhere = ~np.ma.getmaskarray(stacked).any(axis=0)
    intervals = np.full((*everywhere.shape, 2), np.nan)
    intervals[everywhere] = bca_interval(stacked.data[:, everywhere])
    return methods, np.asarray(stacked.mean(axis=0).filled(np.nan)), intervals, len(names)
