"""Convergence: how far the map of a sampling method depends on its seed, by number of samples."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xai_core.files import read_object, write_whole

if TYPE_CHECKING:
    from xai_core.images.reading import Framing, Photo
    from xai_core.methods import Method
    from xai_core.models.batch import Batch
    from xai_core.models.classifier import Classifier

FILE = "convergence.json"
SEEDS = (0, 1)
SETTLED = 0.9
"""Below this agreement of two seeds, ranks of methods built on such maps mean little."""


def seed_agreement(method: Method, batch: Batch) -> list[float]:
    """Per image, the Spearman correlation over pixels of the maps drawn with two seeds.

    The maps explain the predicted class; NaN where one of them is constant. Raises ValueError for
    a method without `seed`.
    """
    from xai_core.metrics._ranks import spearman

    if "seed" not in method.declared():
        raise ValueError(f"{method.title} draws no samples: it has no seed to change")
    targets = batch.predicted[:, None]
    first, second = (
        replace(method, **{"seed": seed}).attribute(batch, targets).flatten(1) for seed in SEEDS
    )
    return [float(value) for value in spearman(first, second)]


def measure_convergence(
    classifier: Classifier,
    photos: Sequence[Photo],
    methods: Sequence[Method],
    samples: Sequence[int],
    framing: Framing = "whole",
    progress: Callable[[str, float], object] = lambda text, part: None,
) -> dict[str, Any]:
    """The agreement of two seeds for each method, number of samples and photo."""
    from xai_core.models.batch import Batch

    batches = [Batch.of(classifier, [photo], framing) for photo in photos]
    rows: list[dict[str, Any]] = []
    work = sum(samples) * len(methods) * len(photos)
    done = 0
    for method in methods:
        for photo, batch in zip(photos, batches, strict=True):
            for count in samples:
                (found,) = seed_agreement(replace(method, **{"samples": count}), batch)
                rows.append(
                    {
                        "method": method.name,
                        "title": method.title,
                        "samples": count,
                        "image": photo.name,
                        "agreement": None if found != found else round(found, 4),
                    }
                )
                done += count
                progress(f"{method.title}, {photo.name}", done / work)
    named = {"name": classifier.name, "fingerprint": classifier.fingerprint}
    return {"classifier": named, "default": _defaults(methods), "rows": rows}


def _defaults(methods: Sequence[Method]) -> dict[str, int]:
    return {method.name: int(method.settings()["samples"]) for method in methods}


def run_agreements(
    manifest: dict[str, Any], measured: dict[str, Any] | None
) -> dict[str, float | None]:
    """Spec of each method of a run that draws samples -> mean agreement of two seeds.

    As measured on this model with the run's number of samples or the next smaller one; None
    where that was not measured.
    """
    known: dict[tuple[str, int], list[float]] = {}
    same = (
        measured
        and measured["classifier"]["fingerprint"] == (manifest["classifier"]["fingerprint"])
    )
    for row in measured["rows"] if measured and same else ():
        if row["agreement"] is not None:
            known.setdefault((row["method"], row["samples"]), []).append(row["agreement"])
    found: dict[str, float | None] = {}
    for entry in manifest["methods"].values():
        settings = entry.get("settings", {})
        if entry.get("family") == "baseline" or not {"samples", "seed"} <= set(settings):
            continue
        counts = [n for name, n in known if name == entry["name"] and n <= settings["samples"]]
        values = known[entry["name"], max(counts)] if counts else []
        found[entry["spec"]] = sum(values) / len(values) if values else None
    return found


def write_convergence(run_dir: Path, measured: dict[str, Any]) -> Path:
    """Store what was measured beside a run's other results."""
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / FILE
    write_whole(path, json.dumps(measured))
    return path


def load_convergence(run_dir: Path) -> dict[str, Any] | None:
    """What was measured for a run folder; None where nothing was."""
    path = run_dir / FILE
    return read_object(path) if path.is_file() else None
