"""A small folder of images with masks, and a run over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tests.conftest import TinyNetwork, picture, seeded
from xai_core.evaluation.dataset import Dataset, load_folder
from xai_core.evaluation.run import RunReport, run_evaluation
from xai_core.evaluation.tables import load_curves, load_scores
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.classifier import Classifier

SECONDS = ["attribute_seconds", "score_seconds"]
RunIt = Callable[..., RunReport]


def write_pictures(folder: Path, count: int = 11) -> Path:
    """Images in folders a..e, each with a mask of a rectangle."""
    for index in range(count):
        photo, kind = picture(index), "abcde"[index % 5]
        for place in (folder / kind, folder / "masks" / kind):
            place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo.rgb).save(folder / kind / f"{index}.png")
        mask = np.zeros(photo.rgb.shape[:2], np.uint8)
        mask[20:70, 30:90] = 255
        Image.fromarray(mask).save(folder / "masks" / kind / f"{index}.png")
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("many"), 35)


def load_tiny() -> Classifier:
    """As a worker loads it, in whatever process."""
    torch.set_num_threads(1)
    form = InputFormat(size=64, resize=72)
    return Classifier.of(seeded(TinyNetwork), tuple("abcde"), name="tiny", form=form)


@pytest.fixture
def dataset(folder: Path, tiny_classifier: Classifier) -> Dataset:
    return load_folder(folder, tiny_classifier.categories)


def recipes(names: str, known: dict[str, Any]) -> list[Any]:
    cheap = {"steps": 4}
    made = []
    for name in names.split():
        declared = known[name].declared()
        made.append(known[name](**{k: v for k, v in cheap.items() if k in declared}))
    return made


@pytest.fixture
def evaluate(tiny_classifier: Classifier, dataset: Dataset) -> RunIt:
    def run(
        run_dir: Path,
        methods: str = "cam random",
        metrics: str = "deletion single_deletion relevance_mass",
        **rest: Any,
    ) -> RunReport:
        return run_evaluation(
            run_dir,
            rest.pop("classifier", tiny_classifier),
            rest.pop("dataset", dataset),
            recipes(methods, METHODS),
            recipes(metrics, METRICS),
            **rest,
        )

    return run


def table(run_dir: Path) -> pd.DataFrame:
    """All scores in one order, without the seconds."""
    frame = load_scores(run_dir).drop(columns=SECONDS)
    return frame.sort_values(["image", "method", "metric"], ignore_index=True)


def curves(run_dir: Path) -> pd.DataFrame:
    frame = load_curves(run_dir)
    return frame.sort_values([*frame.columns[:5]], ignore_index=True)
