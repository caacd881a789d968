"""A run's cost grows with its images, not faster; shards and former folders give the same."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from tests.evaluation.conftest import RunIt, curves, table, write_pictures
from xai_core.evaluation import compaction, store
from xai_core.evaluation.dataset import Dataset, Item, load_folder
from xai_core.evaluation.image_list import ImageList
from xai_core.evaluation.journal import read_journal
from xai_core.evaluation.map_files import MapFiles
from xai_core.evaluation.plan import units_of
from xai_core.evaluation.repeats import without_repeats
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.shards import Shard, merge_shards
from xai_core.evaluation.status import load_status
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import CURVE_SCHEMA
from xai_core.methods import METHODS
from xai_core.models.classifier import Classifier

same = pd.testing.assert_frame_equal


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """35 images: five units, the last of them short."""
    return write_pictures(tmp_path_factory.mktemp("many"), 35)


def test_the_manifest_is_written_once_and_holds_no_image(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = store.write_whole

    def noting(path: Path, content: bytes) -> None:
        written.append(path.name)
        write(path, content)

    monkeypatch.setattr(store, "write_whole", noting)
    evaluate(tmp_path, "cam random", "sparseness")
    evaluate(tmp_path, "cam random", "sparseness")
    assert written.count("manifest.json") == 1
    assert "images" not in json.loads((tmp_path / "manifest.json").read_text())
    assert len((tmp_path / "images.jsonl").read_text().splitlines()) == 11


def test_a_run_begins_before_it_has_read_all_files(
    evaluate: RunIt, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    sha256 = Item.sha256
    monkeypatch.setattr(Item, "sha256", lambda self: read.append(self.name) or sha256(self))
    seen: list[int] = []
    evaluate(tmp_path, "cam random", "sparseness", progress=lambda _: seen.append(len(read)))
    assert seen == [8, 8, 11, 11]


def test_a_folder_of_the_former_form_opens_and_goes_on(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before, images = table(tmp_path), load_manifest(tmp_path).images
    settings = json.loads((tmp_path / "manifest.json").read_text())
    former = [{k: v for k, v in image.items() if k != "place"} for image in images]
    (tmp_path / "manifest.json").write_text(json.dumps(settings | {"images": former}))
    (tmp_path / "images.jsonl").unlink()
    lines, kept = [], MapFiles(tmp_path)
    for piece in read_journal(tmp_path):
        if piece.kind == "scores":
            content = {"kind": piece.kind, "done": piece.done, "files": piece.files}
            lines.append(json.dumps(content) + "\n")
    methods = load_manifest(tmp_path).methods
    for unit, method in kept.of(*methods):  # a file for each method and unit
        maps, note = kept.read(unit, method)
        name = f"maps/{unit}-{method}-predicted.safetensors"
        save_file({"maps": maps}, tmp_path / name, {"note": json.dumps(note)})
        sums = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}
        done = [[unit, method, ["maps:predicted"]]]
        lines.append(json.dumps({"kind": "maps", "done": done, "files": sums}) + "\n")
    (tmp_path / "parts.jsonl").write_text("".join(lines))
    same(table(tmp_path), before)
    assert load_manifest(tmp_path).images == former
    report = evaluate(tmp_path, "cam random", "deletion")
    assert (report.reused, report.computed) == (2, 2)
    assert not any("damaged" in note or "missing" in note for note in report.notes)
    monkeypatch.setattr(METHODS["cam"], "_maps", None)  # the maps are there
    assert evaluate(tmp_path, "cam", "sparseness").computed == 2
    assert load_manifest(tmp_path).images == images
    assert len(table(tmp_path)) == 3 * len(before)


@pytest.mark.parametrize("damage", ["torn", "gone"])
def test_images_whose_line_is_lost_are_looked_at_again(
    damage: str, evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before, rows = load_manifest(tmp_path).images, table(tmp_path)
    path = tmp_path / "images.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-30] if damage == "torn" else b"")
    report = evaluate(tmp_path, "cam", "deletion")
    assert (report.images, report.computed) == (11, 0)
    assert load_manifest(tmp_path).images == before
    same(table(tmp_path), rows)


def test_an_image_that_can_be_read_again_is_not_bad_any_more(tmp_path: Path) -> None:
    listed = ImageList(tmp_path)
    listed.add(bad={"a.png": "a.png: not an image"})
    listed.write()
    image = {"image": "a.png", "path": "a.png", "sha256": "0", "label": None, "place": 0}
    assert ImageList(tmp_path).bad == {"a.png": "a.png: not an image"}
    listed.add([image])
    listed.add([image])
    listed.write()
    listed.write()
    found = ImageList(tmp_path)
    assert (found.bad, found.in_order()) == ({}, [image])
    assert len((tmp_path / "images.jsonl").read_text().splitlines()) == 2


def listed_image(number: int, **fields: object) -> dict[str, object]:
    sha256 = hashlib.sha256(str(number).encode()).hexdigest()
    return {"image": str(number), "path": "p" * 300, "sha256": sha256, "label": None, **fields}


def test_each_image_is_listed_once_as_it_is_known_now(tmp_path: Path) -> None:
    first, second, changed = listed_image(1), listed_image(2), listed_image(1, label=3)
    listed = ImageList(tmp_path)
    listed.add([first, second])
    listed.write()
    listed.add([changed])  # held, not yet written
    assert (list(listed), len(listed)) == ([second, changed], 2)
    listed.write()
    listed.add([first])
    listed.write()
    for found in (listed, ImageList(tmp_path)):
        assert (list(found), len(found)) == ([first, second], 2)
        assert first["sha256"] in found
        assert listed_image(3)["sha256"] not in found


def test_memory_holds_a_checksum_of_an_image_and_not_what_is_known_of_it(tmp_path: Path) -> None:
    listed, count = ImageList(tmp_path), 4000
    tracemalloc.start()
    for number in range(count):
        listed.add([listed_image(number)])
        if number % 400 == 399:
            listed.write()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / count < 400  # two texts of 64 and 300 letters alone are more
    assert len(listed) == count


def test_repeats_are_those_whose_checksums_repeat(tmp_path: Path) -> None:
    contents = [b"a" * 9000, b"b" + b"a" * 8999, b"a" * 9000, b"c", b"d", b"c", b"", b""]
    items = []
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
        items.append(Item(str(number), tmp_path / str(number)))
    items.insert(2, Item("missing", tmp_path / "missing"))
    seen: set[str] = set()
    slow = [i for i in items if not i.sha256() or not (i.sha256() in seen or seen.add(i.sha256()))]  # type: ignore[func-returns-value]
    assert list(without_repeats(items)) == slow
    assert [item.name for item in slow] == ["0", "1", "missing", "3", "4", "6"]


@pytest.mark.parametrize("held", ["all", "four files", "nothing"])
@pytest.mark.parametrize("large", ["none", "some", "all"])
def test_compaction_keeps_the_newest_of_equal_rows_as_pandas_would(
    held: str, large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    schema = pa.schema([("image_sha256", pa.string()), ("method_key", pa.string()),
                        ("metric_key", pa.string()), ("score", pa.float64())])  # fmt: skip
    key, frames, parts = schema.names[:3], [], []
    for number in range(13):
        texts = [[f"{name}{i}" for i in random.integers(0, 9, 60)] for name in "xyz"]
        frame = pd.DataFrame(dict(zip(key, texts, strict=True)) | {"score": random.random(60)})
        frames.append(frame.drop_duplicates(key))
        if number % 3 == 0:  # of one method, as a run in one process writes them
            frames[-1] = frames[-1][frames[-1]["method_key"] == f"y{number % 2}"]
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.Table.from_pandas(frames[-1], schema, preserve_index=False), path)
        parts.append((path, sorted(set(frames[-1]["method_key"]))))
    sizes = sorted(path.stat().st_size for path, _ in parts)
    monkeypatch.setattr(
        compaction, "LARGE_BYTES", {"none": sizes[-1], "some": sizes[6], "all": 0}[large]
    )
    monkeypatch.setattr(compaction, "TOGETHER", 2)
    monkeypatch.setattr(
        compaction, "HELD_ROWS", {"all": 10**6, "four files": 200, "nothing": 0}[held]
    )
    compaction.write_in_order(tmp_path / "all.parquet", parts, schema, key)
    slow = pd.concat(frames).drop_duplicates(key, keep="last")
    slow = slow.sort_values(["method_key", "image_sha256", "metric_key"], ignore_index=True)
    same(pq.read_table(tmp_path / "all.parquet").to_pandas(), slow)
    assert pq.ParquetFile(tmp_path / "all.parquet").num_row_groups == 9
    assert len(list(tmp_path.iterdir())) == len(parts) + 1


def test_parts_without_rows_are_merged_too(tmp_path: Path) -> None:
    parts = [(tmp_path / f"{number}.parquet", ("a", "b")[: number + 1]) for number in range(2)]
    for path, _ in parts:
        pq.write_table(CURVE_SCHEMA.empty_table(), path)
    compaction.write_in_order(tmp_path / "all.parquet", parts, CURVE_SCHEMA, ["method_key"])
    assert pq.read_table(tmp_path / "all.parquet").equals(CURVE_SCHEMA.empty_table())


def test_points_of_a_curve_stay_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "HELD_ROWS", 0)
    frames, parts = [], []
    for number in range(70):
        points = {"fraction": [0.9, 0.1, 0.5], "value": [number, -number, number / 2]}
        texts = {"image_sha256": f"{number % 60}", "metric_key": "m", "curve": "c"}
        frames += [pd.DataFrame(texts | {"method_key": method} | points) for method in "ba"]
        parts.append((tmp_path / f"{number}.parquet", ("a", "b")))
        whole = pa.Table.from_pandas(pd.concat(frames[-2:]), CURVE_SCHEMA, preserve_index=False)
        pq.write_table(whole, parts[-1][0])
    key = ["image_sha256", "method_key", "metric_key", "curve"]
    compaction.write_in_order(tmp_path / "all.parquet", parts, CURVE_SCHEMA, key)
    found = pq.read_table(tmp_path / "all.parquet").to_pandas()
    order = [(method, image) for method in "ab" for image in sorted(map(str, range(60)))]
    assert list(zip(found["method_key"], found["image_sha256"], strict=True))[::3] == order
    assert set(found.groupby(key[:2])["fraction"].apply(tuple)) == {
        tuple(np.float32([0.9, 0.1, 0.5]))
    }
    assert found["value"].max() == 69
    assert found.groupby("image_sha256")["value"].max()["9"] == 69


def test_four_shards_merged_equal_one_run(
    evaluate: RunIt, tmp_path: Path, many: Path, tiny_classifier: Classifier
) -> None:
    rest: dict[str, Any] = {"dataset": load_folder(many, tiny_classifier.categories)}
    whole, run = tmp_path / "whole", tmp_path / "run"
    evaluate(whole, **rest)
    for number in (3, 1, 2):
        evaluate(run, shard=Shard(number, 4), **rest)
    with pytest.raises(RunFolderError, match="not finished: 4 of 4; run them"):
        merge_shards(run)
    assert evaluate(run, shard=Shard(4, 4), **rest).images == 8
    assert merge_shards(run) == merge_shards(run) == 4
    for read in (table, curves):
        pd.testing.assert_frame_equal(read(run), read(whole), check_exact=True)
    assert load_manifest(run).images == load_manifest(whole).images
    assert evaluate(run, **rest).computed == 0
    assert (load_status(run) or {})["state"] == "done"


def test_shards_share_the_units_out(dataset: Dataset) -> None:
    whole = list(units_of(dataset))
    for count in (1, 2, 3):
        parts = [list(units_of(dataset, None, Shard(n, count))) for n in range(1, count + 1)]
        assert sorted((u for part in parts for u in part), key=lambda u: u.position) == whole


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "a/b", "1/0", "-1/4", ""])
def test_a_shard_that_is_none_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="spell it I/N with I from 1 to N"):
        Shard.parse(text)


def test_shards_of_another_precision_or_division_are_refused(
    evaluate: RunIt, tmp_path: Path
) -> None:
    with pytest.raises(RunFolderError, match="has no shards"):
        merge_shards(tmp_path)
    evaluate(tmp_path, "cam", "sparseness", shard=Shard(1, 2))
    evaluate(tmp_path, "cam", "sparseness", shard=Shard(2, 2), precision="bf16")
    with pytest.raises(RunFolderError, match="another precision"):
        merge_shards(tmp_path)
    evaluate(tmp_path, "cam", "sparseness", shard=Shard(1, 1))
    with pytest.raises(RunFolderError, match="several divisions"):
        merge_shards(tmp_path)


def test_a_store_does_not_take_what_is_damaged(evaluate: RunIt, tmp_path: Path) -> None:
    evaluate(tmp_path / "one", "cam", "deletion")
    path = next((tmp_path / "one" / "scores").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunFolderError, match=f"{path.name}: damaged"):
        Store(tmp_path / "two").adopt(tmp_path / "one")
