"""A timm model and one of a Python file: fine-tuned, measured, evaluated, and their mistakes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import run_folders
from safetensors.torch import load_file
from streamlit.testing.v1 import AppTest
from torch import Tensor, nn

from tests.conftest import write_colours
from xai_core.__main__ import main
from xai_core.evaluation.run_folder import load_manifest
from xai_core.images.reading import open_image
from xai_core.models.loading import BadClassifier, load_classifier

NAMES = ("lemon", "sky")
COLOURS = {"lemon": (220, 210, 40), "sky": (60, 140, 220)}
OWN = '''
import torch
from torch import nn


class Lenet(nn.Module):
    """As in many courses: `view`, which takes no channels_last, and a dictionary."""

    def __init__(self, num_classes, width):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 5, stride=3)
        self.fc = nn.Linear(width * 4 * 4, num_classes)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        x = nn.functional.adaptive_avg_pool2d(x, 4)
        return {"logits": self.fc(x.view(x.size(0), -1))}


def make(num_classes, width=4):
    return Lenet(num_classes, width)
'''


def own_file(folder: Path) -> str:
    (folder / "own.py").write_text(OWN)
    return f"{folder / 'own.py'}:make"


def timm_name(folder: Path) -> str:
    pytest.importorskip("timm", reason="the extra timm is absent")
    return "timm:test_resnet"


KINDS: dict[str, tuple[Callable[[Path], str], list[str], dict[str, Any]]] = {
    "timm": (timm_name, [], {}),
    "python": (own_file, ["--argument", "width=6"], {"num_classes": 2, "width": 6}),
}


@pytest.fixture(scope="module", params=KINDS)
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, str]:
    """The kind, the folder that `train` wrote, and the name that the result loads by."""
    root = tmp_path_factory.mktemp(request.param)
    make, more, _ = KINDS[request.param]
    architecture, out = make(root), root / "out"
    write_colours(root / "data", COLOURS, 6)
    words = ["train", "--data", root / "data", "--architecture", architecture, "--out", out]
    words += ["--size", 64, "--epochs", 2, "--set", "batch_size=4", "--name", "mine", *more]
    assert main([str(word) for word in words]) == 0
    return request.param, out, f"{architecture}@{out}" if request.param == "python" else str(out)


def plain(kind: str, out: Path) -> nn.Module:
    """The architecture built without the project, with the weights that were written."""
    if kind == "timm":
        import timm

        network: nn.Module = timm.create_model("test_resnet", num_classes=2)
    else:
        made: dict[str, Any] = {}
        exec(compile(OWN, "own.py", "exec"), made)
        network = made["make"](num_classes=2, width=6)
    network.load_state_dict(load_file(out / "mine.safetensors"))
    return network.eval()


def plain_logits(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        given = network(images)
    logits: Tensor = given["logits"] if isinstance(given, dict) else given
    return logits


def test_what_was_trained_loads_with_all_that_its_card_says(trained: tuple[str, Path, str]) -> None:
    kind, out, name = trained
    classifier = load_classifier(name)
    assert classifier.categories == NAMES
    assert classifier.form.shape == (3, 64, 64)
    card = json.loads((out / "mine.json").read_text())
    assert card["arguments"] == KINDS[kind][2]
    if kind == "timm":  # its own preprocessing, not ImageNet's
        assert classifier.form.mean == classifier.form.std == (0.5, 0.5, 0.5)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = plain_logits(plain(kind, out), images)
    torch.testing.assert_close(classifier.logits(images), expected, rtol=0, atol=1e-5)


def test_a_card_alone_runs_no_code(trained: tuple[str, Path, str]) -> None:
    kind, out, _ = trained
    if kind == "timm":
        assert load_classifier(out).categories == NAMES
        return
    with pytest.raises(BadClassifier, match="a card runs no code"):
        load_classifier(out)


def mislabelled(folder: Path) -> Path:
    """Of each label half of the images show the other class, so that no model is right on all."""
    write_colours(folder / "all", COLOURS, 6)
    for name, other in (NAMES, NAMES[::-1]):
        (folder / "mixed" / name).mkdir(parents=True)
        for index in range(6):
            shown = name if index < 3 else other
            (folder / "all" / shown / f"{index}.png").rename(
                folder / "mixed" / name / f"{shown}{index}.png"
            )
    return folder / "mixed"


def test_accuracy_evaluation_and_mistakes_are_the_models_own(
    trained: tuple[str, Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    open_page: Callable[..., AppTest],
) -> None:
    kind, out, name = trained
    data, classifier = mislabelled(tmp_path), load_classifier(name)
    wrong, network = set(), plain(kind, out)
    for file in data.rglob("*.png"):
        values = classifier.prepare(open_image(file).rgb)
        predicted = NAMES[int(plain_logits(network, values[None]).argmax())]
        wrong |= {file.name} if predicted != file.parent.name else set()
    assert 0 < len(wrong) < 12

    capsys.readouterr()
    assert main(["accuracy", "--classifier", name, "--dataset", str(data)]) == 0
    assert f"mixed: {100 - 100 * len(wrong) / 12:.1f} % of 12" in capsys.readouterr().out

    monkeypatch.setattr(run_folders, "RUNS", tmp_path / "runs")
    words = ["evaluate", "--classifier", name, "--dataset", data, "--methods", "grad_cam"]
    words += ["--metrics", "sparseness", "--run-dir", tmp_path / "runs" / "mine"]
    assert main([str(word) for word in words]) == 0
    images = load_manifest(tmp_path / "runs" / "mine")["images"]
    missed = [image["image"] for image in images if not image["correct"]]
    assert {place.rpartition("/")[2] for place in missed} == wrong

    app = open_page("mistakes", run="mine", methods="grad_cam")
    surest = max((i for i in images if not i["correct"]), key=lambda image: image["probability"])
    contrast = f"{NAMES[surest['predicted']]} more than {NAMES[surest['label']]}"
    for _ in range(100):
        if contrast in texts(app):
            break
        time.sleep(0.2)
        app.run()
    assert "n = 12 images" in texts(app)
    assert contrast in texts(app)


def texts(app: AppTest) -> str:
    return "\n".join(html.proto.body for html in app.get("html"))
