"""A run folder whose winners are known, with names that LaTeX and file formats stumble over."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.store import Store
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.report.bundle import write_report
from xai_core.report.material import Choice

CATEGORIES = ("a_b & 50 % #1", "Käse–ø", "漢字")
METHOD_NAMES = ("cam", "secam", "saliency", "random")
METRIC_NAMES = ("deletion", "insertion", "relevance_mass", "sparseness")
SIDE = 32


def entry(recipe: Any, **more: Any) -> dict[str, Any]:
    told = {"spec": recipe.spec(), "name": recipe.name, "title": recipe.title}
    told |= {"label": recipe.label(), "reference": recipe.reference}
    return {**told, "settings": recipe.settings(), **more}


def score(method: str, metric: str, image: int) -> float:
    """cam wins deletion on every image, saliency insertion on none more than half."""
    noise = np.random.default_rng(image).normal(0, 0.01)
    own = {"cam": 0.1, "secam": 0.2, "saliency": 0.3, "random": 0.6}[method]
    if metric == "deletion":  # lower is better
        return own + noise + 0.001 * image * (1 + METHOD_NAMES.index(method))
    if metric == "insertion":  # two methods in turn, so no test can tell them apart
        turn = 0.05 * (1 if image % 2 else -1)
        return {"cam": 0.8 + turn, "secam": 0.8 - turn}.get(method, 0.3) + noise
    return float("nan") if metric == "relevance_mass" and image < 3 else own + noise


def write_run(
    folder: Path, images: int = 40, methods: tuple[str, ...] = METHOD_NAMES,
    shift: float = 0.0, first: int = 0, wrong_from: int | None = None,
    maps: npt.NDArray[Any] | None = None,
) -> Path:  # fmt: skip
    """A finished run with scores, curves, maps and its images beside it.

    `shift` is added to CAM's deletion on every image; `first`: the number of the first image.
    From the image `wrong_from` on the label is not the predicted class. `maps` are CAM's.
    """
    store = Store(folder)
    pictures = folder.parent / f"{folder.name}_pictures"
    pictures.mkdir()
    listed, rows, curves = [], [], []
    made = {name: METHODS[name]() for name in methods}
    metrics = {name: METRICS[name]() for name in METRIC_NAMES}
    for number in range(first, first + images):
        path = pictures / f"{number}_x&y.png"
        values = np.random.default_rng(number).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(values).save(path)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        is_wrong = wrong_from is not None and number >= wrong_from
        listed.append({"image": path.stem, "path": str(path), "sha256": sha,
                       "label": (number + is_wrong) % 3, "level": None, "predicted": number % 3,
                       "probability": 0.7, "correct": not is_wrong,
                       "mask_fraction": 0.2})  # fmt: skip
        for m, method in made.items():
            for k, metric in metrics.items():
                value = score(m, k, number) + (shift if (m, k) == ("cam", "deletion") else 0.0)
                rows.append(
                    {"dataset": "own", "classifier": "net", "classifier_fingerprint": "f" * 8,
                     "image": path.stem, "image_sha256": sha, "label": number % 3, "level": None,
                     "predicted": number % 3, "target": number % 3, "method": method.spec(),
                     "method_key": method.key(), "metric": metric.spec(),
                     "metric_key": metric.key(), "score": value, "reason": "",
                     "removed_fraction": 0.0, "precision": "fp32",
                     "attribute_seconds": 0.01 * (1 + len(m)), "score_seconds": 0.1}
                )  # fmt: skip
            fractions = np.linspace(0, 1, 8, dtype=np.float32)
            curves.append({"image_sha256": sha, "method_key": method.key(),
                           "metric_key": metrics["deletion"].key(), "curve": "morf",
                           "fraction": fractions, "value": 1 - fractions + 0 * number})  # fmt: skip
    manifest = Manifest(
        dataset="own_data & 10 %",
        classifier={"name": "net_1", "fingerprint": "f" * 8, "categories": list(CATEGORIES),
                    "form": {"size": SIDE, "resize": SIDE, "mean": [0.5] * 3, "std": [0.5] * 3}},
        framing="whole", precision="fp32", source="nowhere", created="2026-01-02T00:00:00+00:00",
        versions={"torch": "1", "numpy": "2"}, asked=images,
        methods={m.key(): entry(m, family=m.family) for m in made.values()},
        metrics={m.key(): entry(m, kind=m.kind, higher_is_better=m.higher_is_better)
                 for m in metrics.values()},
        images=listed,
    )  # fmt: skip
    store.write_manifest(manifest)
    keys = [metric.key() for metric in metrics.values()]
    noise = np.random.default_rng(0).random((images, SIDE, SIDE)).astype(np.float16)
    shas = [image["sha256"] for image in listed]
    for method in made.values():
        own = [row for row in rows if row["method_key"] == method.key()]
        drawn = [row for row in curves if row["method_key"] == method.key()]
        store.write_scores("unit", method.key(), keys, own, drawn)
        kept = noise if maps is None or method.name != "cam" else maps.astype(np.float16)
        store.write_maps("unit", method.key(), "predicted", kept, {"sha256s": shas})
    return folder


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "small_run")


@pytest.fixture(scope="session")
def report(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports") / "report"
    notes = write_report([run_dir], out, Choice(widths=("column", "page")))
    assert notes == []
    return out
