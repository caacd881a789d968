"""Clusters of explanations: spectral relevance analysis of the maps of many images.

Lapuschkin et al. (2019): maps made small, a graph of nearest neighbours, its spectrum, whose
largest gap tells how many clusters there are. It finds what lies at similar places of the image.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from xai_core.evaluation.map_files import MapFiles
from xai_core.evaluation.run_folder import RunFolderError

Floats = npt.NDArray[np.float64]
SIDE_PX = 16
MOST, LEAST_MAPS = 8, 20
SEED = 0


@dataclass(frozen=True)
class Clusters:
    """`labels` (N,) from 0, the largest cluster; `eigenvalues` (MOST + 1,) of the graph, rising.

    `means` (clusters, SIDE_PX, SIDE_PX): of positive parts that sum to 1.
    """

    labels: npt.NDArray[np.intp]
    eigenvalues: Floats
    means: Floats

    @property
    def count(self) -> int:
        return len(self.means)


def clustered(maps: npt.NDArray[Any]) -> Clusters:
    """Clusters of maps (N, H, W) by where their positive evidence lies.

    Raises ValueError for fewer than LEAST_MAPS; maps without positive evidence lie together.
    """
    if len(maps) < LEAST_MAPS:
        raise ValueError(f"{len(maps)} heatmaps are too few to cluster: at least {LEAST_MAPS}")
    from sklearn.cluster import SpectralClustering

    small = shrunk(maps)
    graph = neighbour_graph(small.reshape(len(small), -1))
    eigenvalues = spectrum(graph)
    clustering = SpectralClustering(
        clusters_by_gap(eigenvalues), affinity="precomputed", random_state=SEED
    )
    with warnings.catch_warnings():
        # groups that no neighbour joins are what is looked for
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        found = clustering.fit_predict(graph)
    _, labels, counts = np.unique(found, return_inverse=True, return_counts=True)
    places = np.argsort(np.argsort(-counts, kind="stable"))
    labels = places[labels]
    means = np.stack([small[labels == label].mean(axis=0) for label in range(len(counts))])
    return Clusters(labels, eigenvalues, means)


def shrunk(maps: npt.NDArray[Any]) -> Floats:
    """Positive parts at SIDE_PX x SIDE_PX, each summing to 1; 0 where there is none."""
    positive = np.maximum(np.nan_to_num(np.asarray(maps, np.float32)), 0)
    size = (SIDE_PX, SIDE_PX)
    small = np.stack([cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in positive])
    sums = small.sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    return np.asarray(small / np.where(sums > 0, sums, 1), dtype=np.float64)


def neighbour_graph(points: Floats) -> Floats:
    """(N, N) of 0 and 1: who is among the sqrt(N) nearest of the other, either way."""
    from sklearn.neighbors import kneighbors_graph

    nearest = kneighbors_graph(points, round(len(points) ** 0.5)).toarray()
    return np.asarray(np.maximum(nearest, nearest.T), dtype=np.float64)


def spectrum(graph: Floats) -> Floats:
    """The MOST + 1 smallest eigenvalues of the normalised Laplacian I - D^-1/2 A D^-1/2."""
    scale = 1 / np.sqrt(graph.sum(axis=1))
    laplacian = np.eye(len(graph)) - scale[:, None] * graph * scale[None]
    return np.asarray(np.linalg.eigvalsh(laplacian)[: MOST + 1], dtype=np.float64)


def clusters_by_gap(eigenvalues: Floats) -> int:
    """2 .. MOST: after which eigenvalue the next one lies farthest away."""
    gaps = np.diff(eigenvalues)[1:]
    return int(np.argmax(gaps)) + 2


def stored_maps(
    run_dir: Path, manifest: Mapping[str, Any], method: str
) -> tuple[pd.DataFrame, npt.NDArray[np.float16]]:
    """The maps (N, H, W) of the predicted classes that a run has kept, and their images.

    Raises RunFolderError where it has none of this method.
    """
    keys = [key for key, entry in manifest["methods"].items() if entry["spec"] == method]
    kept = MapFiles(run_dir)
    known = {image["sha256"]: image for image in manifest["images"]}
    rows, parts = [], []
    for unit, key in kept.of(*keys):
        maps, note = kept.read(unit, key)
        there = [n for n, sha256 in enumerate(note["sha256s"]) if sha256 in known]
        rows += [known[note["sha256s"][n]] for n in there]
        parts.append(maps[there])
    if not rows:
        raise RunFolderError(
            f"{run_dir}: keeps no heatmaps of {method}; evaluate this method here again"
        )
    images = pd.DataFrame(rows)
    first = ~images["sha256"].duplicated().to_numpy()
    return images[first].reset_index(drop=True), np.concatenate(parts)[first]


def cluster_table(images: pd.DataFrame, found: Clusters, names: list[str]) -> pd.DataFrame:
    """One row per cluster: n, labelled, wrong, share of errors, and the class most predicted."""
    rows = []
    for label in range(found.count):
        own = images[found.labels == label]
        known = own[own["label"].notna()] if "label" in own else own.iloc[:0]
        wrong = int((known["label"] != known["predicted"]).sum())
        top = own["predicted"].value_counts()
        rows.append(
            {
                "cluster": label + 1, "n": len(own), "labelled": len(known), "wrong": wrong,
                "error_rate": wrong / len(known) if len(known) else np.nan,
                "predicted": names[int(top.index[0])], "predicted_n": int(top.iloc[0]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
