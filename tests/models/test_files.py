"""Checkpoints in every packaging: each file of ../shared/cases as its index says."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.models.conftest import shared_cases
from xai_core.methods import METHODS
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier
from xai_core.models.model_description import Description
from xai_core.models.torchvision_networks import BadClassifier

pytestmark = pytest.mark.xdist_group("cases")  # the files are made once

SMALL = Description(size=(64,))
REFUSED = {
    "whole.pth": "holds Python objects besides weights",
    "nan.pth": "fc.weight holds values that are not finite",
    "billion_classes.pth": "claims 1,000,000,000",
    "scripted.pt": "is TorchScript",
}
LOGITS = {"head_dropout.pth": 5, "one_logit.pth": 2, "grey.pth": 5, "cifar.pth": 5}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    folder = shared_cases()
    if folder is None:
        pytest.skip("../shared/cases is not here")
    out = tmp_path_factory.mktemp("cases")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import make; from pathlib import Path"
    code += "; import csv; make.make_models(Path(sys.argv[2]))"
    code += "; csv.writer(open(sys.argv[2] + '/index.csv', 'w')).writerows(make.ROWS)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(folder), str(out)], check=True)
    with (out / "index.csv").open() as rows:
        return {Path(row[0]).name: (Path(row[0]), row[2]) for row in csv.reader(rows)}


def loaded(path: Path) -> Classifier:
    return load_classifier(path, architecture="resnet18", description=SMALL)


@pytest.mark.slow
def test_every_file_does_what_its_index_says(
    files: dict[str, tuple[Path, str]],
    record_property: pytest.RecordProperty,  # type: ignore
) -> None:
    plain = loaded(files["plain.pth"][0])
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = plain.logits(images)
    same = refused = 0
    for name, (path, right) in files.items():
        if name in REFUSED:
            started = time.perf_counter()
            with pytest.raises(BadClassifier, match=REFUSED[name]):
                loaded(path)
            assert time.perf_counter() - started < 2
            refused += 1
        elif right.startswith("loads; the same logits"):
            torch.testing.assert_close(loaded(path).logits(images), expected, rtol=0, atol=1e-5)
            same += 1
    record_property("measured", f"{len(files)} model files: {same} the same, {refused} refused")
    assert (len(files), refused) == (26, len(REFUSED)) or len(files) > 20


def test_one_logit_is_two_classes_by_sigmoid(files: dict[str, tuple[Path, str]]) -> None:
    classifier = loaded(files["one_logit.pth"][0])
    assert classifier.categories == ("not class 1", "class 1")
    assert classifier.outputs == "sigmoid"
    assert any("sigmoid" in note for note in classifier.notes)
    weights = torch.load(files["one_logit.pth"][0])
    images = torch.randn(2, 3, 64, 64)
    features = classifier.stage_and_logits(images)[0].mean((2, 3))
    z = features @ weights["fc.weight"][0] + weights["fc.bias"][0]
    given = classifier.probabilities(classifier.logits(images))
    torch.testing.assert_close(given[:, 1], torch.sigmoid(z), rtol=0, atol=1e-5)
    torch.testing.assert_close(given[:, 0], 1 - torch.sigmoid(z), rtol=0, atol=1e-5)
    assert classifier.head is not None


def test_other_heads_and_stems_load(files: dict[str, tuple[Path, str]]) -> None:
    assert loaded(files["head_dropout.pth"][0]).head is not None
    assert loaded(files["softmax_inside.pth"][0]).notes
    grey = loaded(files["grey.pth"][0])
    assert grey.form.shape == (1, 64, 64)
    cifar = load_classifier(files["cifar.pth"][0], architecture="resnet18")
    assert cifar.form.shape == (3, 32, 32)
    images = torch.zeros(1, 3, 32, 32)
    assert cifar.stage_and_logits(images, "layer1")[0].shape == (1, 64, 32, 32)


def test_a_head_of_two_layers_is_rebuilt_and_what_is_assumed_is_said(
    files: dict[str, tuple[Path, str]],
) -> None:
    classifier = loaded(files["head_two_layers.pth"][0])
    assert any("a ReLU is assumed between its layers" in note for note in classifier.notes)
    reason = METHODS["cam"]().unfit(classifier)
    assert reason is not None
    assert "behind them stand fc.0 (Linear) and fc.3 (Linear). Use grad_cam" in reason
    weights = torch.load(files["head_two_layers.pth"][0])
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = classifier.stage_and_logits(images)[0].mean((2, 3))
    hidden = (features @ weights["fc.0.weight"].T + weights["fc.0.bias"]).relu()
    expected = hidden @ weights["fc.3.weight"].T + weights["fc.3.bias"]
    torch.testing.assert_close(classifier.logits(images), expected, rtol=0, atol=1e-5)


def test_a_scripted_file_loads_by_itself(files: dict[str, tuple[Path, str]]) -> None:
    scripted = load_classifier(files["scripted.pt"][0], description=SMALL)
    images = torch.randn(2, 3, 64, 64)
    expected = loaded(files["plain.pth"][0]).logits(images)
    torch.testing.assert_close(scripted.logits(images), expected, rtol=0, atol=1e-5)
    assert scripted.way == "black box"
