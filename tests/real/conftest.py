"""An ImageNet model and photos from the folder `shared/real` beside the repository."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from xai_core.images.reading import Photo, open_image
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"


@pytest.fixture(scope="session")
def real() -> Path:
    if not (REAL / "labels.csv").is_file():
        pytest.skip(f"no ImageNet model and photos: {REAL} is absent")
    return REAL


@pytest.fixture(scope="session")
def mobilenet(real: Path) -> Classifier:
    return load_classifier(real / "mobilenet_v2_imagenet.pth", architecture="mobilenet_v2")


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
