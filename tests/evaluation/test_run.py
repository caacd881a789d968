"""Runs: nothing is computed twice, nothing finished is lost, and every way gives the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from xai_core.evaluation.computing import Computer
from xai_core.evaluation.dataset import Dataset, load_dataset
from xai_core.evaluation.journal import find_problems
from xai_core.evaluation.plan import Plan, make_plan
from xai_core.evaluation.run import RunReport, run_evaluation
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.summary import summarise
from xai_core.evaluation.tables import load_curves, load_scores
from xai_core.images.reading import Photo
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.classifier import Classifier

SECONDS = ["attribute_seconds", "score_seconds"]
METHOD_NAMES = ("cam", "secam", "random")
MEASURES = (METRICS["deletion"](steps=4), METRICS["single_deletion"](), METRICS["relevance_mass"]())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, photos: list[Photo]) -> Path:
    """Twelve images of classes a and b with masks, and three broken files."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(12):
        name = "ab"[number % 2]
        photo = photos[number % 4].rgb
        for sub in (name, f"masks/{name}"):
            (root / sub).mkdir(parents=True, exist_ok=True)
        shifted = photo.copy()
        shifted[:, : 1 + number] = number
        Image.fromarray(shifted).save(root / name / f"{number:02}.png")
        mask = (photo.sum(axis=2) > 300).astype("uint8") * 255
        Image.fromarray(mask).save(root / "masks" / name / f"{number:02}.png")
    for number, content in enumerate((b"", b"text", b"\x89PNG\r\n\x1a\nbroken")):
        (root / "a" / f"broken{number}.png").write_bytes(content)
    return root


def run(
    folder: Path,
    classifier: Classifier,
    pictures: Path,
    methods: Sequence[str] = METHOD_NAMES,
    limit: int | None = None,
) -> RunReport:
    return run_evaluation(
        folder,
        classifier,
        dataset_of(pictures, classifier),
        [METHODS[name]() for name in methods],
        MEASURES,
        limit=limit,
    )


def dataset_of(pictures: Path, classifier: Classifier) -> Dataset:
    return load_dataset(pictures, classifier.categories)


def table(folder: Path) -> pd.DataFrame:
    rows = load_scores(folder).drop(columns=SECONDS)
    return rows.sort_values(["image", "method", "metric"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def calm(
    tmp_path_factory: pytest.TempPathFactory, tiny_classifier: Classifier, pictures: Path
) -> Path:
    folder = tmp_path_factory.mktemp("calm")
    run(folder, tiny_classifier, pictures)
    return folder


def test_broken_files_are_named_skipped_and_counted(
    tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    report = run(tmp_path, tiny_classifier, pictures, ("cam",))
    assert len(report.bad_images) == 3
    assert all("broken" in sentence for sentence in report.bad_images.values())
    assert load_scores(tmp_path)["image"].nunique() == 12
    assert "3 images could not be used" in report.describe()


def test_a_second_run_computes_nothing(
    calm: Path, tiny_classifier: Classifier, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = table(calm)

    def never(*_: object, **__: object) -> None:
        raise RuntimeError("computed again")

    monkeypatch.setattr(Computer, "_stored_maps", never)
    report = run(calm, tiny_classifier, pictures)
    assert report.computed == 0
    pd.testing.assert_frame_equal(table(calm), before)


def test_a_run_extended_by_methods_and_images_equals_an_undisturbed_one(
    calm: Path, tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    run(tmp_path, tiny_classifier, pictures, ("random",), limit=8)
    report = run(tmp_path, tiny_classifier, pictures, METHOD_NAMES)
    assert report.computed
    assert report.reused
    pd.testing.assert_frame_equal(table(tmp_path), table(calm))
    key = ["image_sha256", "method_key", "metric_key", "curve", "fraction"]
    ours, theirs = (
        load_curves(f).sort_values(key).reset_index(drop=True) for f in (tmp_path, calm)
    )
    pd.testing.assert_frame_equal(ours, theirs)


def test_an_interrupted_run_keeps_what_was_finished_and_continues(
    calm: Path, tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    seen = 0

    def stop_after_two(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_evaluation(
            tmp_path,
            tiny_classifier,
            dataset_of(pictures, tiny_classifier),
            [METHODS[name]() for name in METHOD_NAMES],
            MEASURES,
            progress=stop_after_two,
        )
    kept = len(load_scores(tmp_path))
    report = run(tmp_path, tiny_classifier, pictures)
    assert report.reused or not kept
    pd.testing.assert_frame_equal(table(tmp_path), table(calm))


def test_a_damaged_part_is_found_named_and_computed_again(
    calm: Path, tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    run(tmp_path, tiny_classifier, pictures)
    part = sorted((tmp_path / "scores").glob("*.parquet"))[0]
    part.write_bytes(part.read_bytes()[:100])
    assert any(part.name in sentence for sentence in find_problems(tmp_path))
    report = run(tmp_path, tiny_classifier, pictures)
    assert any(part.name in note for note in report.notes)
    assert find_problems(tmp_path) == []
    pd.testing.assert_frame_equal(table(tmp_path), table(calm))


def test_forgotten_maps_do_not_lose_scores(
    calm: Path, tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    from xai_core.evaluation.store import Store

    run(tmp_path, tiny_classifier, pictures)
    Store(tmp_path).forget_maps()
    assert list((tmp_path / "maps").iterdir()) == []
    assert find_problems(tmp_path) == []
    assert run(tmp_path, tiny_classifier, pictures).computed == 0
    pd.testing.assert_frame_equal(table(tmp_path), table(calm))


def test_another_network_or_a_folder_that_cannot_be_written_is_refused(
    calm: Path,
    tiny_resnet_classifier: Classifier,
    tiny_classifier: Classifier,
    pictures: Path,
    tmp_path: Path,
) -> None:
    before = table(calm)
    with pytest.raises(RunFolderError, match="another"):
        run(calm, tiny_resnet_classifier, pictures)
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError):
        run(tmp_path / "file" / "run", tiny_classifier, pictures)
    pd.testing.assert_frame_equal(table(calm), before)


def test_the_plan_says_what_is_left(
    calm: Path, tmp_path: Path, tiny_classifier: Classifier, pictures: Path
) -> None:
    methods = [METHODS["cam"]()]
    metrics = [METRICS["deletion"](steps=4), METRICS["single_deletion"]()]
    dataset = dataset_of(pictures, tiny_classifier)
    fresh = make_plan(tmp_path / "new", tiny_classifier, dataset, methods, metrics)
    assert fresh.images == 15
    assert fresh.passes_left > 0
    done = make_plan(calm, tiny_classifier, dataset, methods, metrics)
    assert done.pieces_left == 0


def test_a_plan_shares_the_passes_among_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    alone = Plan(
        images=20, pieces=9, pieces_left=9, passes_left=600, seconds_per_pass=1, megabytes=1
    )
    shared = {n: replace(alone, workers=n) for n in (1, 2, 3, 9)}
    assert alone.seconds == 600
    assert {n: plan.seconds for n, plan in shared.items()} == {1: 600, 2: 300, 3: 200, 9: 200}
    assert "about 5 min with 2 workers on 4 cores" in shared[2].describe()
    assert "workers" not in alone.describe()


def test_the_manifest_and_the_summary_describe_every_cell(calm: Path) -> None:
    manifest = json.loads((calm / "manifest.json").read_text())
    assert {entry["spec"] for entry in manifest["methods"].values()} == set(METHOD_NAMES)
    cells = summarise(load_scores(calm))
    assert len(cells) == 9
    assert (cells["n"] + cells["undefined"] == 12).all()
    defined = cells[cells["n"] > 1]
    assert (defined["low"] <= defined["mean"]).all()
    assert (defined["mean"] <= defined["high"]).all()
