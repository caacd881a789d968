"""`train`: what it writes loads again with its classes; bad input gets one sentence, code 2."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import write_colours
from xai_core.__main__ import main
from xai_core.images.reading import InputFormat
from xai_core.models.loading import load_classifier
from xai_core.training import trainer as training

COLOURS = {"Ananas comosus": (210, 190, 40), "Wässermelöne": (30, 160, 60)}
SMALL = "shufflenet_v2_x0_5"


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    write_colours(root, COLOURS, 6)
    return root


def train(folder: Path, out: Path, *more: object, weights: str = "none") -> list[str]:
    return [
        "train", "--data", str(folder), "--out", str(out), "--architecture", SMALL,
        "--weights", weights, "--epochs", "1", "--size", "32", *map(str, more),
    ]  # fmt: skip


def refused(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on stderr, without the progress line and what was skipped."""
    capsys.readouterr()
    assert main(arguments) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    return errors[0].removeprefix("error: ")


def test_the_result_has_all_its_files_and_loads_with_classes_and_preprocessing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Wässermelöne" / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    settings = ["--set", "learning_rate=0.02", "--set", "batch_size=4"]
    arguments = train(folder, tmp_path / "out", "--epochs", 4, "--name", "fruits", *settings)
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert "skipped: torn.jpg: not an image that can be read" in printed.err
    assert f"load it with --classifier {tmp_path / 'out'}" in printed.out
    made = {path.name for path in (tmp_path / "out").iterdir()}
    suffixes = ("safetensors", "json", "log.csv", "curve.png", "checkpoint.pt")
    assert made == {f"fruits.{suffix}" for suffix in suffixes}

    with (tmp_path / "out" / "fruits.log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    card = json.loads((tmp_path / "out" / "fruits.json").read_text())
    assert card["training"]["log"][-1]["loss"] == float(rows[-1]["loss"])
    with Image.open(tmp_path / "out" / "fruits.curve.png") as curve:
        drawn = np.asarray(curve.convert("RGB")).reshape(-1, 3)
    for colour in ((0xC8, 0x40, 0x1C), (0x0B, 0x5C, 0xAD)):  # the loss, the accuracy
        assert (drawn == colour).all(axis=1).sum() > 50

    classifier = load_classifier(tmp_path / "out")
    assert classifier.categories == tuple(COLOURS)
    assert classifier.form == InputFormat(size=32, resize=32)
    assert load_classifier(classifier.source).fingerprint == classifier.fingerprint


def test_the_result_is_trained_on_and_its_part_before_the_first_trained_one_is_kept(
    folder: Path, tmp_path: Path
) -> None:
    assert main(train(folder, tmp_path / "first")) == 0
    frozen = ["--freeze-until", "conv5", "--set", "learning_rate=0.01"]
    again = train(folder, tmp_path / "second", *frozen, weights=str(tmp_path / "first"))
    assert main(again) == 0
    before, after = (
        load_classifier(tmp_path / name).network.state_dict() for name in ("first", "second")
    )
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"conv5", "fc"}
    card = next((tmp_path / "second").glob("*.json"))
    assert len(json.loads(card.read_text())["training"]["before"]) == 1


def test_a_checkpoint_with_other_classes_gives_all_but_its_head(
    folder: Path, tmp_path: Path
) -> None:
    network = training.torchvision.models.get_model(SMALL, weights=None, num_classes=7)
    torch.save(network.state_dict(), tmp_path / "seven.pth")
    frozen = ["--freeze-until", "fc", "--set", "learning_rate=0.001"]
    weights = str(tmp_path / "seven.pth")
    assert main(train(folder, tmp_path / "out", *frozen, weights=weights)) == 0
    loaded = load_classifier(tmp_path / "out")
    assert len(loaded.categories) == 2
    kept = network.state_dict()["conv5.0.weight"].half().float()
    assert torch.equal(loaded.network.state_dict()["conv5.0.weight"], kept)


def test_a_model_learns_more_classes_and_keeps_what_it_knows_of_the_old_ones(
    folder: Path, tmp_path: Path
) -> None:
    """The head's rows go with the names, in whatever order; the new class's row is a fresh one."""
    assert main(train(folder, tmp_path / "two", "--set", "learning_rate=0.01")) == 0
    write_colours(tmp_path / "pictures", {**COLOURS, "Abiu": (200, 20, 20)}, 6)
    still = ["--set", "learning_rate=1e-7", "--set", "weight_decay=0"]
    more = train(tmp_path / "pictures", tmp_path / "three", *still, weights=str(tmp_path / "two"))
    assert main(more) == 0
    before, after = (load_classifier(tmp_path / name) for name in ("two", "three"))
    assert after.categories == ("Abiu", *before.categories)
    old, new = (c.network.state_dict() for c in (before, after))
    for key in ("fc.weight", "fc.bias"):
        torch.testing.assert_close(new[key][1:], old[key], atol=1e-3, rtol=0)
        assert not torch.isclose(new[key][0], old[key]).all()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--architecture", "resnet5"], "unknown architecture 'resnet5': name a torchvision"),
        (["--size", "0"], f"--size 0: {SMALL} cannot take images of this size ("),
        (
            ["--architecture", "vit_b_16"],
            "--size 32: vit_b_16 cannot take images of this size (Wrong image height! Expected "
            "224 but got 32!); most models take 224",
        ),
        (["--freeze-until", "layer4"], "freeze_until must be one of conv1, maxpool, stage2, stage"),
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--validation", "1"], "--validation must lie between 0 and 1, got 1"),
        (["--name", "a/b"], "--name must be a file name without folders, got 'a/b'"),
        (["--set", "batch_size=1"], "TrainingPlan.batch_size must be"),
        (["--weights", "IMAGENET"], f"{SMALL} has no weights 'IMAGENET'; it has: IMAGENET1K_V1"),
        (["--weights", "gone.pth"], "gone.pth: no such file"),
        (["--data", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_bad_options_give_one_sentence(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    sentence: str,
) -> None:
    found = refused([*train(folder, tmp_path), *more], capsys)
    assert found.startswith(sentence)
    assert not list(tmp_path.glob("*.safetensors"))


def test_weights_of_another_architecture_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = training.torchvision.models.get_model("squeezenet1_1", weights=None)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    found = refused(train(folder, tmp_path / "out", weights=str(tmp_path / "w.pth")), capsys)
    assert found.startswith(f"--weights {tmp_path / 'w.pth'}: only 0 of ")
    assert found.endswith(f"tensors fit {SMALL}; is this the right --architecture?")


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_trained(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    found = refused(train(folder, tmp_path / "file" / "out"), capsys)
    assert found.startswith(f"--out {tmp_path / 'file' / 'out'}: cannot be written (Not a dir")


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC])
def test_a_disk_that_refuses_in_the_middle_keeps_the_finished_epochs(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
) -> None:
    save, calls = training.torch.save, []

    def refuse(content: object, path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(code, errno.errorcode[code])
        save(content, path)

    monkeypatch.setattr(training.torch, "save", refuse)
    found = refused(train(folder, tmp_path, "--epochs", 2), capsys)
    assert found == (
        f"--out {tmp_path}: cannot be written ({errno.errorcode[code]}); every finished epoch is "
        "kept: free the folder or choose another one"
    )
    monkeypatch.undo()
    assert main(train(folder, tmp_path, "--epochs", 2)) == 0
    assert "epoch 1 of 2" not in capsys.readouterr().err  # it went on after the first epoch
