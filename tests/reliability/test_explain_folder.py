"""`explain` over a folder: killed and continued it gives what an undisturbed run gives."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from xai_core.__main__ import main
from xai_core.command_line.explain import IMAGES_AT_ONCE
from xai_core.evaluation.map_folder import MapFolder, picture_file, shortened
from xai_core.models.torchvision_networks import build_network
from xai_core.training.trainer import save_network

NAMES = ("apple", "pear", "fig")
COUNT = 5 * IMAGES_AT_ONCE


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = build_network("shufflenet_v2_x0_5", len(NAMES))
    form = {"size": 64, "resize": 72, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    card = {"architecture": "shufflenet_v2_x0_5", "categories": NAMES, "form": form}
    save_network(made, card, folder, "fruit")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for index in range(COUNT):
        pixels = random.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")
    (folder / "007.png").write_bytes(b"broken")
    return folder


def explain(network: Path, pictures: Path, out: Path, *more: str) -> list[str]:
    methods = ["--methods", "cam", "random", "lime", "--set", "lime.samples=40"]
    start = ["explain", str(pictures), "--classifier", str(network), "--out", str(out)]
    return [*start, *methods, *more]


def lines(out: Path) -> list[dict[str, Any]]:
    path = out / "images.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for entry in found:
        for run in entry.get("methods", []):
            del run["seconds"]
    return found


def shards(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "maps").iterdir())}


def drawn(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.png"))}


@pytest.mark.slow  # four processes
def test_killed_and_continued_it_gives_the_same_shards(
    network: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    command = [sys.executable, "-m", "xai_core"]
    assert subprocess.run(command + explain(network, pictures, calm), check=False).returncode == 1
    kept = 0
    for batches in (1, 3):  # kill -9 while a later batch is being worked on
        process = subprocess.Popen(command + explain(network, pictures, killed))
        deadline = time.monotonic() + 120
        while len(lines(killed)) < batches * IMAGES_AT_ONCE and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.05 * batches)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        before = kept
        kept = len(lines(killed))
        assert kept % IMAGES_AT_ONCE == 0
        assert before < kept < COUNT
    assert main(explain(network, pictures, killed)) == 1
    assert "skipped: 007.png: not an image" in capsys.readouterr().err
    assert lines(killed) == lines(calm)
    assert len({entry["file"] for entry in lines(killed)}) == COUNT
    assert shards(killed) == shards(calm)
    assert drawn(killed) == drawn(calm)


def test_a_finished_folder_takes_more_images_and_refuses_other_settings(
    network: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, some = tmp_path / "out", tmp_path / "some"
    some.mkdir()
    for index in range(3):
        (some / f"{index}.png").write_bytes((pictures / f"{index:03}.png").read_bytes())
    assert main(explain(network, some, out)) == 0
    first = shards(out)
    assert main(explain(network, some, out)) == 0
    assert shards(out) == first
    (some / "0a.png").write_bytes((pictures / "003.png").read_bytes())
    (some / "1.png").write_bytes((pictures / "004.png").read_bytes())
    assert main(explain(network, some, out)) == 0
    assert shards(out).items() >= first.items()
    new = [entry["name"] for entry in lines(out) if entry["shard"] == 1]
    assert [name.partition("_")[0] for name in new] == ["0a", "1"]
    capsys.readouterr()
    assert main(explain(network, some, out, "--top-k", "2")) == 2
    assert "made with other settings (top_k)" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.png").write_bytes(b"mine")
    assert main(explain(network, some, tmp_path / "other")) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["holiday.png"]


def test_a_line_torn_by_a_power_cut_is_cut_off(
    network: Path, pictures: Path, tmp_path: Path
) -> None:
    out, some = tmp_path / "out", tmp_path / "some"
    some.mkdir()
    for index in range(3):
        (some / f"{index}.png").write_bytes((pictures / f"{index:03}.png").read_bytes())
    assert main(explain(network, some, out)) == 0
    record = out / "images.jsonl"
    whole = record.read_bytes()
    for torn in (whole[:-9], whole[:-1], whole + b"\xff\x00", whole[: len(whole) // 2]):
        record.write_bytes(torn)
        assert main(explain(network, some, out)) == 0
        assert sorted(entry["file"] for entry in lines(out)) == sorted(
            path.as_posix() for path in some.iterdir()
        )


def test_equal_names_and_equal_pictures_never_overwrite_each_other(
    network: Path, pictures: Path, tmp_path: Path
) -> None:
    content = (pictures / "000.png").read_bytes()
    long = "l" * 230
    for place in ("one/a", "two/a", "three/a", "three/A", f"one/{long}", f"two/{long}"):
        path = tmp_path / "same" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    out = tmp_path / "out"
    assert main(explain(network, tmp_path / "same", out)) == 0
    names = [entry["name"] for entry in lines(out)]
    assert len({name.casefold() for name in names}) == 6
    assert len(drawn(out)) == 6 * 3
    with np.load(out / "maps" / "00000.npz") as maps:
        assert len(maps.files) == 6 * 3
    assert max(len(path.name.encode()) for path in out.iterdir()) <= 255


def test_names_are_shortened_by_bytes_and_stay_apart() -> None:
    assert shortened("ä" * 40, 80) == "ä" * 40
    one, other = shortened("ä" * 41, 80), shortened("ä" * 40 + "b", 80)
    assert len(one.encode()) <= 80
    assert one != other
    assert len(picture_file("n" * 80, f"lime[{'x' * 300}]", 3).encode()) <= 255
    folder, taken = MapFolder(Path("nowhere"), {}), set[str]()
    given = [folder.name_for(name, "0123456789", taken) for name in ("a.png", "A.jpg", "a.gif")]
    assert given == ["a", "A_01234567", "a_01234567_2"]
