"""Fine-tuning on a folder of the user's own: accuracy, and kill -9 in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from xai_core.evaluation.dataset import load_folder
from xai_core.models.loading import load_classifier
from xai_core.models.sources.embedded import MODELS
from xai_core.orchard.rendering import render
from xai_core.orchard.sampling import sample_scene
from xai_core.training.accuracy import measure_accuracy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (MODELS / "orchard.json").is_file(), reason="no embedded model to start from"
    ),
]

CLASSES = {"sweet corn": "corn", "kiwi": "kiwi", "Wässermelöne": "watermelon"}
CLASSES["Ananas comosus"] = "pineapple"
PICTURES, SIZE_PX = 50, 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 images of four classes under new names, with spaces and other letters in them."""
    root = tmp_path_factory.mktemp("pictures")
    for name, fruit in CLASSES.items():
        (root / name).mkdir()
        for index in range(PICTURES):
            scene = sample_scene(fruit, 1 + index % 2, 700_000 + index)
            Image.fromarray(render(scene, SIZE_PX).image).save(root / name / f"{index}.png")
    return root


def train(folder: Path, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "xai_core", "train", "--data", str(folder), "--weights", "orchard",
        "--freeze-until", "layer4", "--epochs", "6", "--size", str(SIZE_PX), "--threads", "2",
        "--out", str(out), "--name", "fruits", "--set", "learning_rate=0.002",
    ]  # fmt: skip


def test_transfer_reaches_ninety_percent_and_survives_kill_nine(
    folder: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    subprocess.run(train(folder, tmp_path / "calm"), check=True, capture_output=True)
    seconds = time.monotonic() - started
    print(f"200 images, 6 epochs: {seconds:.0f} s")

    killed = subprocess.Popen(
        train(folder, tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = tmp_path / "killed" / "fruits.log.csv"
    while not log.is_file() or len(log.read_text().splitlines()) < 4:
        assert killed.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert not (tmp_path / "killed" / "fruits.safetensors").exists()
    subprocess.run(train(folder, tmp_path / "killed"), check=True, capture_output=True)

    calm = load_file(tmp_path / "calm" / "fruits.safetensors")
    continued = load_file(tmp_path / "killed" / "fruits.safetensors")
    assert all(calm[key].equal(continued[key]) for key in calm)

    classifier = load_classifier(tmp_path / "calm")
    assert set(classifier.categories) == set(CLASSES)
    found = measure_accuracy(classifier, load_folder(folder, classifier.categories))
    assert found["accuracy"] >= 0.9
    accuracies = [float(line.split(",")[-1]) for line in log.read_text().splitlines()[1:]]
    assert max(accuracies) >= 0.9  # on the images set aside
