"""`explain`: maps of some images by some methods, as pictures, arrays and a JSON record."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import captum
import numpy as np
import torch
import torchvision
from PIL import Image

from xai_core import headline
from xai_core.batch import Batch
from xai_core.catalog import configure
from xai_core.classifier import Classifier
from xai_core.command_line._choices import (
    METHODS,
    add_classifier,
    add_settings,
    check_settings,
    classifier_of,
    fitting,
)
from xai_core.heatmap import overlay
from xai_core.images import BadImage, Photo, find_images, map_on_photo, open_image
from xai_core.methods import Method


def add(commands: Any) -> None:
    parser = commands.add_parser("explain", help="explain some images", description=__doc__)
    parser.add_argument("images", nargs="+", type=Path, help="image files or folders of images")
    add_classifier(parser)
    parser.add_argument("--methods", nargs="+", default=list(headline.METHODS), metavar="METHOD")
    parser.add_argument("--top-k", type=int, default=1, help="explain the k most probable classes")
    parser.add_argument(
        "--target", action="append", default=[], metavar="CLASS",
        help="explain this class (name or number) instead; can be repeated",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("explained"), help="folder of the results")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_settings(options.set, METHODS)
    methods = configure(options.methods, METHODS, options.set)
    if options.top_k < 1:
        raise ValueError(f"--top-k must be at least 1, got {options.top_k}")
    photos, broken = _open_all(options.images)
    classifier = classifier_of(options)
    fitting(methods, classifier)
    chosen = [_class_index(text, classifier) for text in options.target]
    options.out.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    records = []
    for photo in photos:
        batch = Batch.of(classifier, [photo], options.framing)
        targets = torch.tensor([chosen]) if chosen else batch.top(options.top_k)
        records.append(_explain(photo, batch, targets, methods, options, arrays))
        _write(options.out, arrays, records, classifier, methods, options.framing)
        best = records[-1]["classes"][0]
        print(f"{photo.name}: {best['category']} {best['probability']:.1%}")
    for message in broken:
        print(f"skipped: {message}", file=sys.stderr)
    print(f"wrote {options.out}")
    return 1 if broken else 0


def _open_all(paths: list[Path]) -> tuple[list[Photo], list[str]]:
    """The photos that open, and one sentence for each that does not; raises where none opens."""
    files = [file for path in paths for file in (find_images(path) if path.is_dir() else [path])]
    photos, broken = [], []
    for file in files:
        try:
            photos.append(open_image(file))
        except BadImage as error:
            broken.append(str(error))
    if not photos:
        raise BadImage("; ".join(broken[:3]))
    return photos, broken


def _class_index(text: str, classifier: Classifier) -> int:
    names = classifier.categories
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise ValueError(
        f"--target {text}: no such class; name one, or a number from 0 to {len(names) - 1}"
    )


def _explain(
    photo: Photo,
    batch: Batch,
    targets: torch.Tensor,
    methods: list[Method],
    options: argparse.Namespace,
    arrays: dict[str, np.ndarray[Any, Any]],
) -> dict[str, Any]:
    """Draw one overlay per method and class; the maps go to `arrays`, the rest is returned."""
    classifier, stem = batch.classifier, Path(photo.name).stem
    if any(key.startswith(f"{stem}/") for key in arrays):
        stem = f"{stem}_{photo.sha256[:8]}"
    height, width = photo.rgb.shape[:2]
    runs = []
    for method in methods:
        diagnostics: dict[str, torch.Tensor] = {}
        started = time.perf_counter()
        maps = method.attribute(batch, targets, diagnostics)[0].cpu().numpy()
        seconds = time.perf_counter() - started
        for values, target in zip(maps, targets[0].tolist(), strict=True):
            name = f"{stem}/{method.spec()}/{target}"
            arrays[name] = values
            whole = map_on_photo(values, height, width, classifier.form, options.framing)
            file = name.replace("/", "__").replace("[", "-").replace("]", "") + ".png"
            Image.fromarray(overlay(photo.rgb, whole)).save(options.out / file)
        numbers = {key: value[0].tolist() for key, value in diagnostics.items()}
        runs.append(
            {
                "method": method.spec(), "key": method.key(), "settings": method.settings(),
                "seconds": round(seconds, 4), "diagnostics": numbers,
            }
        )  # fmt: skip
    classes = [
        {
            "index": target,
            "category": classifier.categories[target],
            "probability": float(batch.probabilities[0, target]),
            "logit": float(batch.logits[0, target]),
        }
        for target in targets[0].tolist()
    ]
    return {
        "image": photo.name, "name": stem, "sha256": photo.sha256,
        "classes": classes, "methods": runs,
    }  # fmt: skip


def _write(
    out: Path,
    arrays: dict[str, np.ndarray[Any, Any]],
    records: list[dict[str, Any]],
    classifier: Classifier,
    methods: list[Method],
    framing: str,
) -> None:
    stored: Any = {name: values.astype(np.float32) for name, values in arrays.items()}
    np.savez_compressed(out / "maps.npz", **stored)
    content = {
        "classifier": classifier.name,
        "classifier_fingerprint": classifier.fingerprint,
        "framing": framing,
        "methods": [method.spec() for method in methods],
        "images": records,
        "versions": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "captum": captum.__version__,
            "numpy": np.__version__,
        },
        "date": datetime.now().isoformat(timespec="seconds"),
    }
    (out / "explain.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
