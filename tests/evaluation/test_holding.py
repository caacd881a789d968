"""What is finished is on disk a second later, many pieces in one file, whatever ends the run."""

from __future__ import annotations

import errno
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.conftest import RunIt, table
from xai_core.evaluation import holding, store
from xai_core.evaluation.journal import read_journal
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.map_files import MapFiles
from xai_core.evaluation.pieces import Scored
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.status import ask_to_stop
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import SCHEMA, load_curves, load_scores
from xai_core.files import append as files_append

UNITS, METHODS = [f"u{number}" for number in range(5)], ["m1", "m2"]


def fill(kept: Store, units: list[str]) -> None:
    """Maps, two scores and a curve of each method on each unit."""
    empty = dict.fromkeys(SCHEMA.names)
    for number, unit in enumerate(units):
        for method in METHODS:
            keys: dict[str, Any] = {"image_sha256": unit, "method_key": method}
            rows = [empty | keys | {"metric_key": k, "score": number} for k in ("k1", "k2")]
            points = np.arange(3, dtype=np.float32)
            curve = {"metric_key": "k1", "curve": "c", "fraction": points, "value": points + number}
            kept.write_maps(unit, method, "predicted", maps_of(unit), {"unit": unit})
            kept.write_scores(unit, method, ["k1", "k2"], rows, [keys | curve])


def maps_of(unit: str) -> Any:
    return np.full((2, 4, 4), int(unit[1:]), np.float16)


def files(run_dir: Path) -> int:
    return sum(len(list((run_dir / name).iterdir())) for name in ("maps", "scores", "curves"))


def manifest() -> Manifest:
    classifier = {"name": "n", "fingerprint": "f", "categories": ["a"]}
    return Manifest(
        dataset="d", classifier=classifier, framing="whole", precision="fp32", source="s",
        versions={}, created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def test_what_is_held_is_one_file_of_each_kind_and_reads_like_many(tmp_path: Path) -> None:
    one, many = Store(tmp_path / "one"), Store(tmp_path / "many")
    for kept in (one, many):
        kept.write_manifest(manifest())
    with one.holding():
        fill(one, UNITS)
        assert files(one.root) == 0
        assert one.read_maps("u3", "m1", "predicted") is not None
    fill(many, UNITS)
    assert (files(one.root), files(many.root)) == (3, 3 * len(UNITS) * len(METHODS))
    assert len(read_journal(one.root)) == 2
    assert one.compact() == many.compact() == []
    for read in (load_scores, load_curves):
        pd.testing.assert_frame_equal(read(one.root), read(many.root))
    opened = Store(one.root)
    assert opened.finished == many.finished == one.finished
    for unit in UNITS:
        for kept in (one, many, opened):
            maps, note = kept.read_maps(unit, "m2", "predicted") or ((), {})
            np.testing.assert_array_equal(maps, maps_of(unit))
            assert note == {"unit": unit}
    assert MapFiles(one.root).of("m2", "m1") == [(u, m) for m in ("m2", "m1") for u in UNITS]


def test_what_is_scored_is_sent_as_it_is() -> None:
    points = np.linspace(0, 1, 3, dtype=np.float32)
    row = dict.fromkeys(SCHEMA.names) | {"method_key": "m", "score": 0.1 + 0.2}
    curve = {"image_sha256": "i", "method_key": "m", "metric_key": "k", "curve": "c"}
    for rows, curves in (([row], [curve | {"fraction": points, "value": points**2}]), ([], [])):
        one = Scored.of("u", "m", ["k"], rows, curves)
        sent = pickle.loads(pickle.dumps(one))
        assert (sent.done, sent.scores, sent.curves) == (one.done, one.scores, one.curves)
        assert sent.scores.schema == SCHEMA


def test_what_is_held_is_written_though_nothing_more_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "HOLD_SECONDS", 0.01)
    kept = Store(tmp_path)
    with kept.holding():
        for count in (1, 2):
            fill(kept, UNITS[count - 1 : count])
            until = time.monotonic() + 60
            while len({u for p in read_journal(tmp_path) for u, _, _ in p.done}) < count:
                assert time.monotonic() < until
                time.sleep(0.005)
        assert len(load_maps(tmp_path)) == 2


def load_maps(run_dir: Path) -> list[tuple[str, str]]:
    return MapFiles(run_dir).of("m1")


def test_a_disk_that_is_full_is_told_with_the_next_piece_and_what_was_held_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "HOLD_SECONDS", 0.01)
    write, tried = store.write_whole, []

    def full(path: Path, content: bytes) -> None:
        tried.append(path)
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = Store(tmp_path)
    monkeypatch.setattr(store, "write_whole", full)
    with pytest.raises(RunFolderError, match="disk is full; finished results are kept"):  # noqa: PT012, SIM117
        with kept.holding():
            fill(kept, UNITS[:1])
            until = time.monotonic() + 60
            while not kept._writing._failure and time.monotonic() < until:
                time.sleep(0.005)
            monkeypatch.setattr(store, "write_whole", write)
            fill(kept, UNITS[1:])
    assert tried
    assert set(Store(tmp_path).finished) == {("u0", "m1"), ("u0", "m2"), ("u1", "m1")}


@pytest.mark.parametrize("how", ["error", "asked"])
def test_a_run_that_ends_early_keeps_every_finished_piece(
    how: str, evaluate: RunIt, tmp_path: Path
) -> None:
    def end(step: Any) -> None:
        if step.done == 3:
            if how == "error":
                raise KeyboardInterrupt
            ask_to_stop(tmp_path / "run")

    if how == "error":
        with pytest.raises(KeyboardInterrupt):
            evaluate(tmp_path / "run", progress=end)
    else:
        assert evaluate(tmp_path / "run", progress=end).cancelled
    report = evaluate(tmp_path / "run")
    assert (report.reused, report.computed) == (3, 1)
    evaluate(tmp_path / "whole")
    assert table(tmp_path / "run").equals(table(tmp_path / "whole"))


def test_one_damaged_file_of_maps_costs_its_maps_and_no_score(
    evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path, "cam random", "deletion")
    before = table(tmp_path)
    (path,) = (tmp_path / "maps").iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    report = evaluate(tmp_path, "cam", "sparseness")
    assert [note for note in report.notes if path.name in note] == [
        f"maps/{path.name}: damaged, its results are computed again"
    ]
    assert not path.exists()
    names = {entry["name"]: key for key, entry in _methods(tmp_path).items()}
    assert len(MapFiles(tmp_path).of(names["cam"])) == 2
    assert MapFiles(tmp_path).of(names["random"]) == []
    after = table(tmp_path)
    old = after[after["metric"].str.startswith("deletion")].reset_index(drop=True)
    assert old.equals(before)
    assert evaluate(tmp_path, "cam random", "sparseness").computed == 2
    assert len(MapFiles(tmp_path).of(*names.values())) == 4


def _methods(run_dir: Path) -> dict[str, Any]:
    from xai_core.evaluation.run_folder import load_manifest

    return load_manifest(run_dir).methods


def test_a_run_of_one_commit_has_the_order_of_one_that_was_extended(
    evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path / "at once", "random cam", "deletion sparseness")
    for count in (8, 11):
        for methods in ("random", "random cam"):
            evaluate(tmp_path / "extended", methods, "deletion sparseness", limit=count)
    rest = ["attribute_seconds", "score_seconds"]
    one, other = (load_scores(tmp_path / n).drop(columns=rest) for n in ("at once", "extended"))
    pd.testing.assert_frame_equal(one, other)
    of_one, of_other = (load_curves(tmp_path / n) for n in ("at once", "extended"))
    pd.testing.assert_frame_equal(of_one, of_other)
    assert len(of_one) > 11
    assert one["method_key"].is_monotonic_increasing


def test_a_journal_that_could_not_be_written_whole_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lines"
    files_append(path, "first\n")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            files_append(path, "second\n")
    assert path.read_text() == "first\n"
    files_append(path, "third\n")
    assert path.read_text() == "first\nthird\n"
