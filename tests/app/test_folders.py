"""The box for a folder: any text gives one sentence at once; hosted, only what is declared."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compute.desk import Desk
from compute.questions import Prediction
from PIL import Image
from runs import scans
from state import hosting
from state.named_models import NamedModel
from streamlit.testing.v1 import AppTest

from tests.app.at_once import AtOnce
from tests.app.test_desk import wait
from xai_core.images import image_files
from xai_core.images.reading import Photo

Open = Callable[..., AppTest]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "shown" / "cats"
    folder.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (9, 9)).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no image")
    (tmp_path / "private").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "private" / "0.png")
    return tmp_path


@pytest.fixture
def limited(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAMPARE_DATA", str(pictures / "shown"))
    return pictures


def said(app: AppTest) -> str:
    return " ".join(html.proto.body for html in app.get("html"))


@pytest.mark.parametrize(
    "text", ["\0", "/\0", "~nobody-of-this-name/x", "x" * 5000, "/dev/null", "/proc/self/mem", "."]
)
def test_odd_names_give_one_sentence(open_page: Open, text: str) -> None:
    begin = time.perf_counter()
    app = open_page("run", source="folder", folder=text)
    print(f"{text[:20]!r}: {time.perf_counter() - begin:.2f} s")
    assert not app.exception
    assert any(word in said(app) for word in ("cannot", "no such folder", "a file", "images"))


@pytest.mark.parametrize("folder", ["/", "/root", "/proc", "/sys"])
def test_a_folder_of_the_system_does_not_hold_up_the_page(open_page: Open, folder: str) -> None:
    if not os.access(folder, os.R_OK):
        pytest.skip(f"{folder} is not here")
    app = open_page("run", source="folder")  # loads the page
    begin = time.perf_counter()
    app.text_input(key="folder").set_value(folder).run()
    print(f"{folder}: {time.perf_counter() - begin:.2f} s")
    assert not app.exception
    assert f"Looking through {folder}" in said(app) or folder in said(app)


def test_images_are_counted_as_the_evaluation_finds_them(open_page: Open, pictures: Path) -> None:
    app = open_page("run", source="folder", folder=str(pictures))
    found = len(image_files.find_images(pictures))
    assert f"{found} images." in said(app)
    Image.new("RGB", (9, 9)).save(pictures / "more.png")
    assert f"{found + 1} images." in said(app.run())


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A folder that never ends; the list counts the files that were looked at."""
    counted: list[int] = []
    is_over = threading.Event()

    def files(folder: Path) -> Iterator[Path]:
        while not is_over.is_set():
            counted.append(1)
            time.sleep(0.001)
            yield folder / "x.png"

    monkeypatch.setattr(scans, "files_below", files)
    monkeypatch.setattr(scans, "PATIENCE", 0.02)
    yield counted
    is_over.set()


def test_a_scan_ends_when_another_folder_is_named(endless: list[int], tmp_path: Path) -> None:
    first = scans.look("a", tmp_path)
    assert first.is_running()
    assert scans.look("a", tmp_path) is first
    (tmp_path / "other").mkdir()
    second = scans.look("a", tmp_path / "other")
    assert not first.is_running(10)
    assert second.is_running()
    second.end()
    assert not second.is_running(10)


def test_a_scan_ends_with_its_page(
    endless: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = scans.look("gone", tmp_path)
    monkeypatch.setattr(scans.choices, "is_open", lambda name: name != "gone")
    scans.look("other", tmp_path).end()
    assert not gone.is_running(10)


def test_a_scan_of_too_much_says_so(
    endless: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "MOST_FILES", 20)
    scan = scans.look("a", tmp_path)
    assert not scan.is_running(10)
    assert scan.problem.startswith(f"{tmp_path}: more than 20 files")


def test_declared_folders_and_no_others_are_read(open_page: Open, limited: Path) -> None:
    app = open_page("run", source="folder", folder=str(limited / "shown" / "cats"))
    assert "3 images." in said(app)
    (limited / "shown" / "link").symlink_to(limited / "private")
    for outside in ("private", "shown/../private", "shown/link", ".", "shown-too"):
        app = open_page("run", source="folder", folder=str(limited / outside))
        assert "not in the folders that this server shows" in said(app), outside


def test_a_hosted_server_without_declared_folders_reads_none(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hosting.folder_named(str(pictures)) == pictures.resolve()
    monkeypatch.setenv("CAMPARE_HOSTED", "session")
    with pytest.raises(ValueError, match="CAMPARE_DATA and CAMPARE_HOSTED say which"):
        hosting.folder_named(str(pictures))


@pytest.mark.parametrize(
    ("spelled", "problem"),
    [
        ("orchard", ""),
        ("resnet50:IMAGENET1K_V1", ""),
        ("timm:resnet18.a1_in1k", ""),
        ("resnet18@{shown}/w.pth@{shown}/names.txt", ""),
        ("{shown}/folder", ""),
        ("hf:{shown}/folder", ""),
        ("hf:somebody/else", "not in the folders"),
        ("timm:local-dir:{private}", "not in the folders"),
        ("{private}/w.json", "not in the folders"),
        ("resnet18@{private}/w.pth", "not in the folders"),
        ("resnet18@{shown}/w.pth@{private}/secret.txt", "not in the folders"),
        ("resnet18@orchard@/etc/passwd", "not in the folders"),
        ("{shown}/model.py:build", "a model's code is not run for visitors"),
        ("{shown}/model.PY", "a model's code is not run for visitors"),
        ("{shown}/model.py:build@{shown}/w.pth", "no architecture by that name"),
        ("resnet18@{shown}/../private/w.pth", "not in the folders"),
    ],
)
def test_models_come_from_declared_folders_and_are_no_code(
    limited: Path, spelled: str, problem: str
) -> None:
    shown, private = limited / "shown", limited / "private"
    told = hosting.model_problem(NamedModel.parse(spelled.format(shown=shown, private=private)))
    assert (problem in told) if problem else told == ""


def test_what_may_not_be_loaded_never_reaches_a_worker(limited: Path, photos: list[Photo]) -> None:
    engine = AtOnce()
    question = Prediction(f"resnet18@{limited}/private/w.pth", photos[0].sha256, "whole", photos[0])
    answer = wait(Desk(engine), "a", [question])[question]
    assert "not in the folders" in answer.error
    assert engine.tasks == []
