"""The command line: what it writes, and one plain sentence with exit code 2 for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from xai_core.__main__ import main
from xai_core.command_line import COMMANDS, dashboard
from xai_core.command_line._progress import ProgressLine
from xai_core.evaluation.run_folder import load_manifest
from xai_core.images.reading import Photo, map_on_photo, open_image
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.batch import Batch
from xai_core.models.loading import load_classifier
from xai_core.models.sources import describe
from xai_core.models.torchvision_networks import build_network
from xai_core.places import DATA
from xai_core.training.trainer import save_network

NAMES = ("apple", "pear", "fig", "lime", "plum")


@pytest.fixture(scope="session")
def fruit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model and its card, as `train` writes them."""
    folder = tmp_path_factory.mktemp("fruit")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network("shufflenet_v2_x0_5", len(NAMES))
    form = {"size": 64, "resize": 72, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    card = {"architecture": "shufflenet_v2_x0_5", "categories": NAMES, "form": form}
    save_network(network, card, folder, "fruit")
    return folder


@pytest.fixture
def pictures(tmp_path: Path, photos: list[Photo]) -> Path:
    """A folder with two images, 96 x 120 and 150 x 90 pixels."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(photos[0].rgb).save(folder / "a.png")
    Image.fromarray(photos[1].rgb).resize((90, 150)).save(folder / "b.png")
    return folder


def explain(fruit: Path, out: Path, *more: object) -> list[str]:
    return ["explain", "--classifier", str(fruit), "--out", str(out), *map(str, more)]


def written(out: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    arrays = {}
    for shard in sorted((out / "maps").iterdir()):
        with np.load(shard) as maps:
            arrays.update(maps)
    lines = (out / "images.jsonl").read_text().splitlines()
    images = [entry for line in lines if "skipped" not in (entry := json.loads(line))]
    return {**json.loads((out / "explain.json").read_text()), "images": images}, arrays


def test_list_names_every_method_metric_and_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    plain = capsys.readouterr().out
    assert "orchard" in plain.splitlines()[0]
    for name in (*METHODS, *METRICS):
        assert f"\n  {name} " in plain
    assert main(["list", "--settings"]) == 0
    full = capsys.readouterr().out
    for recipe in (*METHODS.values(), *METRICS.values()):
        for name, rule in recipe.declared().items():
            assert f"{name}={rule.default}: {rule.help}; must {rule.rule()}" in full


def test_explain_writes_overlays_maps_and_a_record(
    fruit: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [pictures, "--methods", "cam", "secam[segments=20]", "--top-k", 2]
    assert main(explain(fruit, out, *arguments, "--set", "secam.compactness=5")) == 0
    record, maps = written(out)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines()[-1] == f"wrote {out}"

    classifier = load_classifier(fruit)
    methods = {
        "cam": METHODS["cam"](),
        "secam[segments=20,compactness=5.0]": METHODS["secam"](segments=20, compactness=5.0),  # type: ignore[call-arg]
    }
    assert record["classifier"] == "fruit"
    assert record["classifier_fingerprint"] == classifier.fingerprint
    assert record["framing"] == "whole"
    assert record["methods"] == list(methods)
    assert record["versions"]["torch"] == torch.__version__
    assert [image["image"] for image in record["images"]] == ["a.png", "b.png"]

    expected_files = {"maps", "images.jsonl", "explain.json", "lock"}
    expected_maps: dict[str, torch.Tensor] = {}
    for image in record["images"]:
        photo = open_image(pictures / image["image"])
        batch = Batch.of(classifier, [photo])
        top = batch.top(2)
        assert image["sha256"] == photo.sha256
        for entry, target in zip(image["classes"], top[0].tolist(), strict=True):
            assert entry["index"] == target
            assert entry["category"] == NAMES[target]
            assert entry["probability"] == pytest.approx(float(batch.probabilities[0, target]))
            assert entry["logit"] == pytest.approx(float(batch.logits[0, target]), rel=1e-4)
        for entry, (spec, method) in zip(image["methods"], methods.items(), strict=True):
            assert entry["method"] == spec
            assert entry["key"] == method.key()
            assert entry["settings"] == method.settings()
            assert entry["seconds"] >= 0
            for target, values in zip(
                top[0].tolist(), method.attribute(batch, top)[0], strict=True
            ):
                name = f"{image['name']}/{spec}/{target}"
                expected_maps[name] = values
                file = name.replace("/", "__").replace("[", "-").replace("]", "") + ".png"
                expected_files.add(file)
                with Image.open(out / file) as picture:
                    assert picture.size == photo.rgb.shape[1::-1]
    assert {path.name for path in out.iterdir()} == expected_files
    assert set(maps) == set(expected_maps)
    for name, values in expected_maps.items():
        assert maps[name].dtype == np.float32
        assert maps[name] == pytest.approx(values.numpy(), rel=1e-4, abs=1e-5)


def test_what_the_embedded_model_knows_is_said_of_a_foreign_image(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--classifier", "orchard", "--methods", "sobel", "--out"]
    assert main(["explain", str(pictures / "a.png"), *words, str(tmp_path / "foreign")]) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"This model (orchard) {describe('orchard').knows}. ")
    assert said.endswith("say --classifier imagenet.")
    card = json.loads((DATA / "models" / "orchard.json").read_text())
    assert f"knows {len(card['categories'])} {card['kind']}" in said
    own = sorted((DATA / "orchard" / "images").iterdir())[0]
    assert main(["explain", str(own), *words, str(tmp_path / "own")]) == 0
    assert capsys.readouterr().err == ""


def test_chosen_classes_are_explained_by_name_or_number(
    fruit: Path, pictures: Path, tmp_path: Path
) -> None:
    chosen = ["--target", "PLUM", "--target", "1"]
    assert (
        main(explain(fruit, tmp_path / "o", pictures / "a.png", "--methods", "cam", *chosen)) == 0
    )
    record, maps = written(tmp_path / "o")
    assert [entry["category"] for entry in record["images"][0]["classes"]] == ["plum", "pear"]
    assert list(maps) == ["a/cam/4", "a/cam/1"]


def test_the_central_crop_leaves_the_rest_of_the_photo_as_it_is(
    fruit: Path, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o"
    framing = ["--methods", "cam", "--framing", "center_crop"]
    assert main(explain(fruit, out, pictures / "a.png", *framing)) == 0
    record, maps = written(out)
    ((name, values),) = maps.items()
    assert record["framing"] == "center_crop"
    form = load_classifier(fruit).form
    unseen = np.isnan(map_on_photo(values, 96, 120, form, "center_crop"))
    assert unseen.any()
    overlay = np.asarray(Image.open(out / f"{name.replace('/', '__')}.png"))
    assert overlay.shape == (96, 120, 3)
    bright = overlay[~unseen].std(axis=-1).mean()
    assert overlay[unseen].std(axis=-1).mean() < bright  # no colours of the map out there


def test_pictures_of_one_name_keep_their_own_maps(
    fruit: Path, pictures: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (pictures / "b.png").rename(other / "a.png")
    images = [pictures / "a.png", other / "a.png"]
    assert main(explain(fruit, tmp_path / "o", *images, "--methods", "sobel")) == 0
    record, maps = written(tmp_path / "o")
    names = [image["name"] for image in record["images"]]
    assert len(set(names)) == 2
    assert len(maps) == 2


def test_some_broken_images_are_skipped_with_exit_code_one(
    fruit: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "c.png").write_bytes(b"broken")
    assert main(explain(fruit, tmp_path / "o", pictures, "--methods", "cam")) == 1
    assert capsys.readouterr().err.startswith("skipped: c.png: not an image that can be read")
    assert len(written(tmp_path / "o")[0]["images"]) == 2


def test_deep_grey_is_said_once_and_its_window_can_be_chosen(
    fruit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    ramp = np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(scans / "a.png")
    Image.fromarray(ramp.T.copy()).save(scans / "b.tif")
    (scans / "c.svg").write_text("<svg/>")
    assert main(explain(fruit, tmp_path / "o", scans, "--methods", "cam")) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"{scans}: files passed over: 1 .svg (the first: c.svg)",
        "grey of more than 8 bits: 2 with 12 bits used: 0 to 4095; --window LOW HIGH sets one",
    ]
    chosen = ["--methods", "cam", "--window", "0", "65535"]
    assert main(explain(fruit, tmp_path / "dark", scans, *chosen)) == 0
    assert "grey of" not in capsys.readouterr().err
    logits = [
        [entry["classes"][0]["logit"] for entry in written(tmp_path / out)[0]["images"]]
        for out in ("o", "dark")
    ]
    assert logits[0] != logits[1]


def test_evaluate_says_what_it_found_and_takes_the_masks_value(
    fruit: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "masks").mkdir()
    trimap = np.full((96, 120), 2, np.uint8)
    trimap[20:70, 30:90], trimap[18:20] = 1, 3
    Image.fromarray(trimap).save(pictures / "masks" / "a.png")
    (pictures / "labels.csv").write_text("file;label\na;plum\nx.png;fig\n")
    command = ["evaluate", "--dataset", str(pictures), "--classifier", str(fruit)]
    command += ["--methods", "cam", "--metrics", "relevance_mass", "--run-dir"]
    assert main([*command, str(tmp_path / "r")]) == 0
    said = capsys.readouterr().err
    assert "labels.csv: 1 of 2 rows name an image" in said
    assert "labels.csv: rows without an image: 1 (x.png)" in said
    assert "masks: 1 of 2 images have one" in said
    assert "masks not used: 1 (the first: a.png: the mask has the values 1, 2, 3; which" in said
    assert main([*command, str(tmp_path / "s"), "--mask-value", "1"]) == 0
    assert "masks not used" not in capsys.readouterr().err
    images = load_manifest(tmp_path / "s").images
    shares = {image["image"]: image["mask_fraction"] for image in images}
    assert shares["a.png"] == pytest.approx(50 * 60 / (96 * 120), abs=0.02)
    assert shares["b.png"] is None


BAD_EXPLAIN = [
    (["--window", "9", "3"], "--window 9 3: LOW must be below HIGH"),
    (["--methods", "camm"], "unknown name 'camm'; known: "),
    (["--methods", "secam[segments=5]"], "SeCAM.segments must be at least 10, got 5"),
    (["--methods", "secam[segmentz=50]"], "secam has no setting 'segmentz'; it has: segments, "),
    (["--set", "secam.segments=many"], "SeCAM.segments must be a whole number from 10 to 400"),
    (["--set", "lime.sample=5", "--methods", "cam"], "lime has no setting 'sample'"),
    (["--set", "camm.x=1"], "--set camm.x=1: spell it name.setting=value"),
    (["--set", "secam.segments"], "--set secam.segments: spell it name.setting=value"),
    (["--set", "segments=20"], "--set segments=20: spell it name.setting=value"),
    (["--target", "5"], "--target 5: no such class; name one, or a number from 0 to 4"),
    (["--target", "cherry"], "--target cherry: no such class; name one, or a number from 0 to 4"),
    (["--target", "-1"], "--target -1: no such class; name one, or a number from 0 to 4"),
    (["--target", "²"], "--target ²: no such class; name one, or a number from 0 to 4"),
    (["--top-k", "0"], "--top-k must be at least 1, got 0"),
    (["--classifier", "resnet51"], "unknown model 'resnet51': name an embedded model"),
    (["--classifier", "w.pth", "--architecture", "resnet18"], "w.pth: no such file"),
    (["--categories", "none.txt"], "none.txt"),
    (["--device", "tpu9"], "the device 'tpu9' cannot be used here ("),
]


def one_line(code: int, capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


@pytest.mark.parametrize(("arguments", "sentence"), BAD_EXPLAIN)
def test_bad_options_of_explain_give_one_sentence(
    fruit: Path,
    pictures: Path,
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "o"
    line = one_line(main(explain(fruit, out, pictures / "a.png", *arguments)), capsys)
    assert sentence in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "cannot be read (No such file or directory)"),
        (lambda path: path.write_bytes(b"text"), "x.png: not an image that can be read"),
        (lambda path: path.write_bytes(b""), "x.png: the file is empty (0 bytes)"),
        (lambda path: path.mkdir(), "x.png: no images in this folder"),
        (
            lambda path: Image.new("RGB", (200, 4)).save(path),
            "x.png: 200 x 4 pixels; each side needs at least 8",
        ),
    ],
)
def test_bad_images_give_one_sentence(
    fruit: Path, tmp_path: Path, make: Any, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "x.png")
    assert sentence in one_line(main(explain(fruit, tmp_path / "o", tmp_path / "x.png")), capsys)


def test_a_place_that_cannot_be_written_gives_one_sentence(
    fruit: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = pictures / "a.png" / "out"
    line = one_line(main(explain(fruit, out, pictures / "b.png", "--methods", "cam")), capsys)
    assert str(out) in line


def test_a_method_that_does_not_fit_the_network_gives_one_sentence(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = {"size": 64, "resize": 64, "mean": [0.5] * 3, "std": [0.25] * 3}
    card = {"architecture": "mobilenet_v3_small", "categories": NAMES, "form": form}
    save_network(build_network("mobilenet_v3_small", len(NAMES)), card, tmp_path / "s", "small")
    line = one_line(
        main(explain(tmp_path / "s", tmp_path / "o", pictures, "--methods", "cam")), capsys
    )
    assert line.startswith("cam: small has no CAM head")
    assert "classifier.0 (Linear) and classifier.3 (Linear). Use grad_cam" in line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metrics", "deletionn"], "unknown name 'deletionn'; known: "),
        (["--methods", "camm"], "unknown name 'camm'; known: "),
        (["--set", "deletion.x=1"], "deletion has no setting 'x'; it has: "),
        (["--set", "nothing.x=1"], "--set nothing.x=1: spell it name.setting=value"),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--workers", "-1"], "--workers must be at least 1, got -1"),
        (["--workers", "2", "--scheduler", "tcp://a:1"], "--scheduler goes with neither --workers"),
        (["--dataset", "nowhere"], "nowhere"),
        (["--classifier", "resnet51"], "unknown model 'resnet51'"),
    ],
)
def test_bad_options_of_evaluate_give_one_sentence(
    fruit: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = one_line(main(["evaluate", "--classifier", str(fruit), *arguments]), capsys)
    assert sentence in line


def test_a_run_folder_that_cannot_be_written_gives_one_sentence(
    fruit: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = pictures / "a.png" / "run"
    arguments = ["--dataset", str(pictures), "--methods", "cam", "--metrics", "sparseness"]
    code = main(["evaluate", "--classifier", str(fruit), *arguments, "--run-dir", str(run)])
    assert str(run.parent) in one_line(code, capsys)


def test_a_folder_is_trained_on_and_the_result_explains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    for name, colour in {"lime": (20, 190, 20), "plum": (120, 10, 120)}.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(8):
            pixels = (random.integers(0, 40, (40, 40, 3)) + colour).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{index}.png")
    out = tmp_path / "out"
    training = [
        "train", "--data", tmp_path / "data", "--architecture", "shufflenet_v2_x0_5",
        "--epochs", 2, "--size", 48, "--out", out, "--set", "batch_size=4",
    ]  # fmt: skip
    assert main([str(word) for word in training]) == 0
    printed = capsys.readouterr().out
    assert "best validation accuracy" in printed
    classifier = load_classifier(out)
    assert classifier.categories == ("lime", "plum")
    assert classifier.form.size == 48
    card = json.loads((out / "data.json").read_text())
    assert card["training"]["settings"]["batch_size"] == 4
    assert (
        main(explain(out, tmp_path / "o", tmp_path / "data" / "lime" / "0.png", "--methods", "cam"))
        == 0
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--data", __file__], "test_command_line.py: a file; name the folder"),
        (["--data", "nowhere", "--set", "learning_rate=2"], "learning_rate must be at most 1"),
        (["--data", "nowhere", "--set", "rate=2"], "training has no setting 'rate'"),
        (["--data", "nowhere", "--epochs", "0"], "--epochs must be at least 1, got 0"),
    ],
)
def test_bad_options_of_train_give_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in one_line(main(["train", *arguments]), capsys)


def test_an_interruption_is_said_and_has_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS[0], "run", interrupted)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "stopped; what was finished is kept\n"


def test_an_unknown_command_has_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["explane"])
    assert stopped.value.code == 2
    assert "explane" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        "report --run s3://bucket/run --out report",
        "report --run run --out gs://bucket/report",
        "explain https://host/photo.jpg",
        "explain photo.jpg --out s3://bucket/maps",
        "train --data s3://bucket/photos --out model",
        "clusters --run-dir s3://bucket/run",
        "note --run-dir s3://bucket/run",
    ],
)
def test_a_url_is_not_taken_for_a_folder_of_this_machine(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_info:
        main(arguments.split())
    assert exit_info.value.code == 2
    assert "is a URL: name a path of this machine" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        with pytest.raises(SystemExit) as stopped:
            main([name, "--help"])
        assert stopped.value.code == 0
        assert f"campare {name}" in capsys.readouterr().out


def test_progress_is_shown_line_by_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine("working")
    line.show("started", 0.0)
    line.show("half", 0.5)
    line.show("done", 1.0)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "started"
    assert shown[-1] == f"working [{'#' * 24}] 100%  done"


@pytest.mark.slow
def test_as_a_program_from_another_folder(fruit: Path, pictures: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("1", (10_000, 10_000)).save(bomb)
    arguments = explain(fruit, Path("o"), pictures, bomb, "--methods", "cam")
    done = subprocess.run(
        [sys.executable, "-m", "xai_core", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == "skipped: bomb.png: 10000 x 10000 pixels; at most 50 million\n"
    assert done.returncode == 1
    assert len(written(tmp_path / "o")[1]) == 2


def test_the_dashboard_is_served_with_the_options_after_the_dashes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(dashboard.subprocess, "call", lambda words: called.append(words) or 0)
    assert main(["dashboard", "--", "--server.port=8600"]) == 0
    assert called[0][1:4] == ["-m", "streamlit", "run"]
    assert Path(called[0][4]).is_file()
    assert called[0][5:] == ["--server.port=8600"]
    monkeypatch.setattr(dashboard.importlib.util, "find_spec", lambda name: None)
    assert main(["dashboard"]) == 2
    assert "pip install 'campare[dashboard]'" in capsys.readouterr().err
