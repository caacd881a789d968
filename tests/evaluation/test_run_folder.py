"""The run folder: killed, extended, damaged or full, it equals an undisturbed run in the end."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.evaluation.conftest import RunIt, curves, table, write_pictures
from xai_core.evaluation import holding, store
from xai_core.evaluation.dataset import Dataset, Reading, load_folder
from xai_core.evaluation.journal import find_problems
from xai_core.evaluation.plan import forward_size_for, make_plan, units_of
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.status import ask_to_stop, is_running, load_status, only_run
from xai_core.evaluation.tables import COLUMNS, load_scores
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.classifier import Classifier

same = pd.testing.assert_frame_equal


def test_a_run_writes_what_it_promises(evaluate: RunIt, tmp_path: Path) -> None:
    steps: list[Any] = []
    report = evaluate(tmp_path, progress=steps.append)
    assert (report.images, report.computed, report.reused) == (11, 4, 0)
    scores = load_scores(tmp_path)
    assert tuple(scores.columns) == COLUMNS
    assert len(scores) == 11 * 2 * 3
    assert set(scores["metric"]) == {"deletion[steps=4]", "single_deletion", "relevance_mass"}
    assert (scores["attribute_seconds"] >= 0).all()
    assert steps[-1].done == steps[-1].total == 4
    assert steps[-1].fraction == pytest.approx(1.0)
    manifest = load_manifest(tmp_path)
    assert {method["name"] for method in manifest["methods"].values()} == {"cam", "random"}
    assert len(manifest["images"]) == 11
    masked = [image["mask_fraction"] for image in manifest["images"]]
    assert masked == pytest.approx([50 * 60 / (96 * 120)] * 11, abs=0.02)
    wrong = scores["predicted"] != scores["label"]
    localised = scores["metric"] == "relevance_mass"
    assert (scores["target"][localised] == scores["label"][localised]).all()
    assert (scores["target"][~localised] == scores["predicted"][~localised]).all()
    assert wrong.any()
    status = load_status(tmp_path)
    assert status is not None
    assert status["state"] == "done"


def test_running_again_computes_nothing(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(tmp_path)
    before = load_scores(tmp_path)
    monkeypatch.setattr(Classifier, "stage_and_logits", None)
    monkeypatch.setattr(METHODS["cam"], "_maps", None)
    report = evaluate(tmp_path)
    assert (report.computed, report.reused) == (0, 4)
    same(load_scores(tmp_path), before)


def test_added_methods_metrics_and_images_equal_an_undisturbed_run(
    evaluate: RunIt, tmp_path: Path
) -> None:
    whole, grown = tmp_path / "whole", tmp_path / "grown"
    metrics = "deletion insertion symmetric_relevance_gain relevance_mass"
    evaluate(whole, "cam random", metrics)
    evaluate(grown, "cam", "symmetric_relevance_gain", limit=9)
    evaluate(grown, "cam", "relevance_mass deletion", limit=9)
    evaluate(grown, "random", metrics)
    report = evaluate(grown, "cam random", metrics)
    assert report.computed == 2  # cam: metrics that were missing, on both units
    same(table(grown), table(whole))
    same(curves(grown), curves(whole))


def test_a_new_metric_uses_the_stored_maps(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(tmp_path, "random", "deletion relevance_mass")
    monkeypatch.setattr(METHODS["random"], "_maps", None)
    evaluate(tmp_path, "random", "sparseness relevance_rank")
    assert set(load_scores(tmp_path)["metric"]) >= {"sparseness", "relevance_rank"}


def test_stopping_keeps_what_is_finished(evaluate: RunIt, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    evaluate(whole)
    report = evaluate(stopped, progress=lambda step: ask_to_stop(stopped))
    assert report.cancelled
    status = load_status(stopped)
    assert status is not None
    assert status["state"] == "cancelled"
    assert 0 < len(load_scores(stopped)) < len(load_scores(whole))
    assert not evaluate(stopped).cancelled
    same(table(stopped), table(whole))


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
from tests.conftest import TinyNetwork, seeded
from tests.evaluation.conftest import recipes
from xai_core.models.classifier import Classifier
from xai_core.evaluation import holding
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.run import run_evaluation
from xai_core.images.reading import InputFormat
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
classifier = Classifier.of(
    seeded(TinyNetwork), tuple("abcde"), name="tiny", form=InputFormat(size=64, resize=72)
)
dataset = load_folder({folder!r}, classifier.categories)
holding.HOLD_SECONDS = 0.02  # so that there is something to kill between two writes
print("ready", flush=True)
run_evaluation(
    {run!r}, classifier, dataset, recipes("cam random sobel", METHODS),
    recipes("deletion single_deletion relevance_mass", METRICS),
)
"""


@pytest.mark.parametrize(
    "kills", [2, pytest.param(10, marks=pytest.mark.reliability)], ids=["twice", "ten times"]
)
def test_killed_at_any_moment_it_goes_on(
    kills: int, evaluate: RunIt, folder: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    root = str(Path(__file__).resolve().parents[2])
    code = CHILD.format(root=root, folder=str(folder), run=str(killed))
    random = np.random.default_rng(0)
    for _ in range(kills):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        journal, deadline = killed / "parts.jsonl", time.monotonic() + 60
        before = journal.stat().st_size if journal.exists() else 0
        while child.poll() is None and time.monotonic() < deadline:
            if journal.exists() and journal.stat().st_size > before:
                break
            time.sleep(0.001)
        time.sleep(float(random.uniform(0, 0.05)))
        if child.poll() is None:
            child.kill()
        child.wait()
        child.stdout.close()
    assert not is_running(killed)
    evaluate(killed, "cam random sobel")
    evaluate(killed, "cam random sobel uniform")
    evaluate(whole, "cam random sobel uniform")
    same(table(killed), table(whole))
    same(curves(killed), curves(whole))
    assert not find_problems(killed)
    leftovers = [path.name for path in killed.rglob("*.tmp")]
    assert not leftovers


@pytest.mark.parametrize("kind", ["scores", "curves", "maps"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_a_damaged_part_is_named_and_computed_again(
    kind: str, damage: str, evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before = table(tmp_path)
    path = sorted((tmp_path / kind).iterdir())[0]
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        half = len(content) // 2
        changed = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        path.write_bytes(content[:half] if damage == "cut" else changed)
    assert [problem.split(":")[0] for problem in find_problems(tmp_path)] == [f"{kind}/{path.name}"]
    # maps are read, and so checked, where a metric is missing; their size is looked at always
    metrics = "deletion sparseness" if (kind, damage) == ("maps", "changed") else "deletion"
    report = evaluate(tmp_path, "cam", metrics)
    assert any(path.name in note for note in report.notes)
    assert not find_problems(tmp_path)
    after = table(tmp_path)
    same(after[after["metric"].isin(before["metric"])].reset_index(drop=True), before)


def test_a_half_written_line_is_forgotten(evaluate: RunIt, tmp_path: Path) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before = table(tmp_path)
    with (tmp_path / "parts.jsonl").open("a") as journal:
        journal.write('{"kind":"scores","done":[["ab')
    same(table(tmp_path), before)
    evaluate(tmp_path, "cam random", "deletion")
    assert len(table(tmp_path)) == 2 * len(before)


@pytest.mark.parametrize("line", [b"\x80\n", b"[1]\n", b'{"kind":"scores","done":[],"files":1}\n'])
def test_a_damaged_line_is_forgotten_and_the_run_goes_on(
    line: bytes, evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before, journal = table(tmp_path), tmp_path / "parts.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(line + whole + b'{"kind":"\xc3')
    same(table(tmp_path), before)
    assert evaluate(tmp_path, "cam", "deletion").computed == 0
    assert journal.read_bytes() == whole


def test_a_line_names_no_file_outside_its_run(evaluate: RunIt, tmp_path: Path) -> None:
    evaluate(tmp_path / "run", "cam", "deletion")
    (tmp_path / "precious").write_bytes(b"kept")
    line = {"kind": "scores", "done": [["u", "m", ["k"]]], "files": {"scores/../../precious": "0"}}
    with (tmp_path / "run" / "parts.jsonl").open("a") as journal:
        journal.write(json.dumps(line) + "\n")
    assert not find_problems(tmp_path / "run")
    evaluate(tmp_path / "run", "cam", "deletion")
    assert (tmp_path / "precious").read_bytes() == b"kept"


def test_another_data_set_of_the_same_name_is_refused(
    evaluate: RunIt, tmp_path: Path, tiny_classifier: Classifier
) -> None:
    first, second = tmp_path / "one" / "pictures", tmp_path / "two" / "pictures"
    write_pictures(first, 5)
    write_pictures(second, 9)
    (second / "a" / "5.png").rename(second / "a" / "0.png")
    mine, other = (load_folder(f, tiny_classifier.categories) for f in (first, second))
    assert mine.name == other.name
    assert mine.key != other.key
    evaluate(tmp_path / "run", "cam", "deletion", dataset=mine)
    before = table(tmp_path / "run")
    with pytest.raises(RunFolderError, match=r"holds results on another a/0\.png"):
        evaluate(tmp_path / "run", "cam", "deletion", dataset=other)
    for path in [*second.glob("?/*.png")]:
        path.rename(path.with_name(f"x{path.name}"))
    for name in ("a/x0", "b/x1", "c/x2", "d/x3", "e/x4"):
        (second / f"{name}.png").unlink()
    others = load_folder(second, tiny_classifier.categories)
    with pytest.raises(RunFolderError, match="holds results on other images"):
        evaluate(tmp_path / "run", "cam", "deletion", dataset=others)
    same(table(tmp_path / "run"), before)
    for path in [*first.glob("[b-e]/*.png")]:
        path.unlink()
    fewer = load_folder(first, tiny_classifier.categories)
    report = evaluate(tmp_path / "run", "cam", "deletion", dataset=fewer)
    assert any("4 images of this run are not in the data set now" in n for n in report.notes)


def test_a_data_set_may_move_and_grow(
    evaluate: RunIt, tmp_path: Path, tiny_classifier: Classifier
) -> None:
    before = write_pictures(tmp_path / "here" / "pictures", 8)
    evaluate(tmp_path / "run", "cam", dataset=load_folder(before, tiny_classifier.categories))
    (tmp_path / "there").mkdir()
    after = write_pictures(before.rename(tmp_path / "there" / "pictures"), 9)
    report = evaluate(
        tmp_path / "run", "cam", dataset=load_folder(after, tiny_classifier.categories)
    )
    assert report.images == 9


def test_a_full_disk_keeps_what_is_finished(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, full = tmp_path / "whole", tmp_path / "full"
    evaluate(whole)
    monkeypatch.setattr(holding, "HOLD_BYTES", 0)
    write, written = store.write_whole, []

    def until_full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) > 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(store, "write_whole", until_full)
    with pytest.raises(RunFolderError, match="disk is full; finished results are kept"):
        evaluate(full)
    status = load_status(full)
    assert status is not None
    assert status["state"] == "failed"
    monkeypatch.undo()
    assert len(load_scores(full)) > 0
    assert evaluate(full).reused > 0
    same(table(full), table(whole))


def test_one_process_at_a_time(evaluate: RunIt, tmp_path: Path) -> None:
    with only_run(tmp_path):
        assert is_running(tmp_path)
        with pytest.raises(RunFolderError, match="another process is evaluating"):
            evaluate(tmp_path)
    assert not is_running(tmp_path)


def test_a_run_folder_that_is_a_file(evaluate: RunIt, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    with pytest.raises(RunFolderError, match="cannot be written"):
        evaluate(tmp_path / "file")


def test_another_networks_run_is_not_touched(
    evaluate: RunIt, tmp_path: Path, tiny_resnet_classifier: Classifier
) -> None:
    evaluate(tmp_path, "cam", "deletion")
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(RunFolderError, match="holds a run with another classifier"):
        evaluate(tmp_path, "cam", "deletion", classifier=tiny_resnet_classifier)
    with pytest.raises(RunFolderError, match="holds a run with another precision"):
        evaluate(tmp_path, "cam", "deletion", precision="bf16")
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_what_does_not_fit_is_left_out_with_a_reason(
    evaluate: RunIt, tmp_path: Path, linear_classifier: Classifier, folder: Path
) -> None:
    bare = load_folder(folder / "a", linear_classifier.categories)
    report = evaluate(
        tmp_path,
        "cam random",
        "deletion relevance_mass",
        classifier=linear_classifier,
        dataset=bare,
    )
    assert set(report.skipped) == {"cam", "relevance_mass"}
    assert "no CAM head" in report.skipped["cam"]
    assert "needs masks" in report.skipped["relevance_mass"]
    with pytest.raises(ValueError, match="no method can be used"):
        evaluate(tmp_path / "x", "cam", "deletion", classifier=linear_classifier)


def test_broken_files_and_masks_are_named_and_counted(
    evaluate: RunIt, tmp_path: Path, tiny_classifier: Classifier
) -> None:
    root = write_pictures(tmp_path / "pictures", 9)
    (root / "a" / "broken.png").write_bytes(b"no image")
    (root / "b" / "empty.jpg").write_bytes(b"")
    cut = (root / "c" / "2.png").read_bytes()
    (root / "c" / "cut.png").write_bytes(cut[: len(cut) // 2])
    (root / "nothing").mkdir()
    (root / "e" / "copy.png").write_bytes((root / "a" / "0.png").read_bytes())
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(root / "masks" / "d" / "3.png")
    found = load_folder(root, tiny_classifier.categories)
    report = evaluate(tmp_path / "run", "cam", "deletion relevance_mass", dataset=found)
    assert sorted(report.bad_images) == ["a/broken.png", "b/empty.jpg", "c/cut.png"]
    assert "3 images could not be used" in report.describe()
    assert any("without an image: nothing" in note for note in report.notes)
    scores = load_scores(tmp_path / "run")
    assert scores["image"].nunique() == 9
    lost = scores[(scores["image"] == "d/3.png") & (scores["metric"] == "relevance_mass")]
    assert lost["score"].isna().all()
    assert lost["reason"].tolist() == ["the image has no mask of the object"]
    images = load_manifest(tmp_path / "run")["images"]
    problem = next(image["mask_problem"] for image in images if image["image"] == "d/3.png")
    assert problem == "d/3.png: the mask is 9 x 9 pixels, the image 120 x 96; they must be equal"
    assert f"masks not used: 1 (the first: {problem})" in report.notes
    assert load_manifest(tmp_path / "run")["notes"] == list(found.notes)


def test_a_run_keeps_how_deep_grey_and_masks_are_read(
    evaluate: RunIt, tmp_path: Path, tiny_classifier: Classifier
) -> None:
    root = tmp_path / "scans"
    root.mkdir()
    ramp = np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    for turn in range(3):
        Image.fromarray(np.rot90(ramp, turn).copy()).save(root / f"{turn}.png")
    found = load_folder(root, tiny_classifier.categories)
    report = evaluate(tmp_path / "run", "cam", "sparseness", dataset=found)
    said = "grey of more than 8 bits: 3 with 12 bits used: 0 to 4095; --window LOW HIGH sets one"
    assert said in report.notes
    narrow = load_folder(root, tiny_classifier.categories, Reading(window=(1000, 3000)))
    with pytest.raises(RunFolderError, match="holds a run with another reading"):
        evaluate(tmp_path / "run", "cam", "sparseness", dataset=narrow)
    report = evaluate(tmp_path / "narrow", "cam", "sparseness", dataset=narrow)
    assert not any("grey" in note for note in report.notes)
    assert load_manifest(tmp_path / "narrow")["reading"] == {"window": [1000, 3000]}


def test_the_plan_foretells_the_run(
    dataset: Dataset, tiny_classifier: Classifier, tmp_path: Path, evaluate: RunIt
) -> None:
    methods = [METHODS["cam"](), METHODS["random"]()]
    metrics = [METRICS["deletion"](steps=4), METRICS["symmetric_relevance_gain"](steps=4)]
    plan = make_plan(tmp_path, tiny_classifier, dataset, methods, metrics)
    assert (plan.images, plan.pieces, plan.pieces_left) == (11, 4, 4)
    # an image: the whole and the empty one; cam's own pass; two curves of 3 inner points a method
    assert plan.passes_left == 11 * (1 + 1 + 1 + 2 * 6)
    assert plan.seconds > 0
    evaluate(tmp_path, "cam random", "deletion symmetric_relevance_gain")
    after = make_plan(tmp_path, tiny_classifier, dataset, methods, metrics)
    assert (after.pieces_left, after.passes_left) == (0, 0)
    assert "4 of them done before" in after.describe()


def test_memory_bounds_the_forward_passes(tiny_classifier: Classifier) -> None:
    assert forward_size_for(tiny_classifier, 1024) == 32
    assert 1 <= forward_size_for(tiny_classifier, 2) < 32
    assert forward_size_for(tiny_classifier, 0.001) == 1


def test_units_do_not_depend_on_the_limit(dataset: Dataset) -> None:
    short, long = list(units_of(dataset, 8)), list(units_of(dataset))
    assert short[0] == long[0]
    assert [len(unit.items) for unit in long] == [8, 3]
    labels = [item.label for item in dataset.items[:5]]
    assert sorted(label for label in labels if label is not None) == [0, 1, 2, 3, 4]


def test_a_method_that_fails_is_recorded_not_fatal(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError("Random gave values that are not finite")

    monkeypatch.setattr(METHODS["random"], "_maps", fail)
    evaluate(tmp_path, "cam random", "deletion")
    scores = load_scores(tmp_path).set_index("method")
    assert scores.loc["random", "score"].isna().all()
    assert set(scores.loc["random", "reason"]) == {"Random gave values that are not finite"}
    assert scores.loc["cam", "score"].notna().all()


def test_the_status_is_whole_json(evaluate: RunIt, tmp_path: Path) -> None:
    evaluate(tmp_path, "cam", "sparseness")
    status = json.loads((tmp_path / "status.json").read_text())
    assert {"state", "done", "total", "seconds_left", "message", "pid", "heartbeat"} <= set(status)
    assert load_status(tmp_path / "nowhere") is None
