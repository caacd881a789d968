import json
import shutil
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.shards import Shard
from xai_core.evaluation.tables import load_curves, load_scores
from xai_core.ground_truth import benchmark_run as ground_truth
from xai_core.ground_truth.benchmark_run import (
    CHOICES,
    GroundTruth,
    merge_part_shards,
    run_ground_truth,
)
from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.ground_truth.benchmarks.base import Images
from xai_core.ground_truth.benchmarks.shortcut_contrast import contrast
from xai_core.ground_truth.facts import in_domain, load_facts
from xai_core.ground_truth.picture_sets import (
    cell_mask,
    drawn_anew,
    mosaic,
    mosaics_dataset,
    pairs_dataset,
    twice_as_large,
    varieties_dataset,
)
from xai_core.ground_truth.scene_book import load_scene_book
from xai_core.images.reading import InputFormat
from xai_core.methods.center_gaussian import CenterGaussian
from xai_core.methods.uniform import Uniform
from xai_core.models.classifier import Classifier
from xai_core.models.loading import BadClassifier
from xai_core.orchard import CLASSES, load_orchard, sample_pair, sample_scene
from xai_core.orchard.interventions import without
from xai_core.orchard.rendering import render
from xai_core.orchard.scene import VARIETIES
from xai_core.orchard.shot import Shot

SIDE = 48
EXACT = ("part_correlation", "distractibility", "grid_pointing", "target_sensitivity")
ON_VARIETIES = {
    v.spec() for b in BENCHMARKS.values() for v in b.variants() if v.asked_on == "varieties"
}
FRUITS = ("apple", "lemon", "orange", "pear")


@pytest.fixture(scope="session")
def split(tmp_path_factory):
    """A single fruit of each of the four sticker classes and two pairs, 48 px."""
    folder = tmp_path_factory.mktemp("small")
    scenes = {f"{f}-{n}": sample_scene(f, 1 + n, n) for f in FRUITS for n in (1,)}
    scenes |= {
        "pair-0": sample_pair("apple", "lemon", 1, 0),
        "pair-1": sample_pair("pear", "orange", 2, 1),
    }
    lines = ["file,mask,kind,classes,level,seed"]
    for name, scene in scenes.items():
        drawn = render(scene, SIDE)
        Image.fromarray(drawn.image).save(folder / f"{name}.png")
        Image.fromarray(drawn.part_ids).save(folder / f"{name}-ids.png")
        classes = "+".join(scene.classes)
        lines.append(f"{name}.png,{name}-ids.png,{scene.kind},{classes},{scene.level},{scene.seed}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    stored = {name: scene.to_dict() for name, scene in scenes.items()}
    (folder / "scenes.json").write_text(json.dumps(stored))
    return load_orchard(folder)


class Prototypes(nn.Module):
    """Logits from the likeness to each class's mean image; takes images of any size."""

    def __init__(self, prototypes: torch.Tensor) -> None:
        super().__init__()
        self.grid = nn.AdaptiveAvgPool2d(SIDE)
        self.fc = nn.Linear(3 * SIDE * SIDE, len(prototypes))
        self.fc.weight.data = 2 * prototypes.flatten(1)
        self.fc.bias.data = -(prototypes.flatten(1) ** 2).sum(dim=1)

    def forward(self, images):
        return self.fc(torch.flatten(self.grid(images), 1))


@pytest.fixture(scope="session")
def classifier(split):
    prototypes = torch.full((len(CLASSES), 3, SIDE, SIDE), -1.0)
    for name in FRUITS:
        own = [i for i in split.indices("single") if split.classes[i][0] == name]
        pictures = [torch.from_numpy(split.image(i) / 255.0).float().permute(2, 0, 1) for i in own]
        prototypes[CLASSES.index(name)] = torch.stack(pictures).mean(dim=0)
    form = InputFormat(size=SIDE, resize=SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return Classifier.of(Prototypes(prototypes), CLASSES, name="prototypes", form=form)


@pytest.fixture(scope="session")
def other(classifier):
    """The same model with a little noise: another fingerprint."""
    network = classifier.private_copy()
    with torch.no_grad():
        network.fc.weight = nn.Parameter(network.fc.weight + 0.01)
    return Classifier.of(network, CLASSES, name="other", form=classifier.form)


@pytest.fixture(scope="module")
def plan(split, classifier, other):
    known = {"with_shortcut": other, "with_control": classifier}

    def load(name, device):
        if name not in known:
            raise BadClassifier(name)
        return known[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ground_truth, "load_classifier", load)
        yield GroundTruth(classifier, CHOICES, 4, tuple(known), split)


METHODS = [Uniform(), CenterGaussian()]


@pytest.fixture(scope="module")
def finished(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground_truth") / "run"
    assert run_ground_truth(folder, plan, METHODS) == []
    return folder


def test_every_set_of_images_can_be_made():
    assert set(ground_truth.BUILDERS) == set(get_args(Images))
    assert {benchmark.images for benchmark in BENCHMARKS.values()} <= set(ground_truth.BUILDERS)


def test_one_table_holds_every_benchmark_method_and_the_oracle(finished, plan, monkeypatch):
    scores, manifest = load_scores(finished), load_manifest(finished)
    metrics = {entry["spec"] for entry in manifest["metrics"].values()}
    assert set(BENCHMARKS) <= metrics
    assert {"relevance_mass", "pointing_game"} <= metrics
    assert {m["name"] for m in manifest["methods"].values()} == {
        "uniform",
        "center_gaussian",
        "oracle",
    }
    assert set(scores["metric"]) == metrics
    assert not scores.duplicated(["image_sha256", "method", "metric"]).any()
    assert {name: part["images"] for name, part in manifest["parts"].items()} == {
        "scenes": 4,
        "varieties": 4,
        "pairs": 2,
        "tables": 4,
        "mosaics": 4,
        "stickers-with_shortcut": 4,
        "stickers-with_control": 4,
    }
    shas = {image["sha256"] for image in manifest["images"]}
    assert set(scores["image_sha256"]) <= shas

    means = scores.pivot_table(index="method", columns="metric", values="score")
    for entry in manifest["metrics"].values():
        sign = 1 if entry["higher_is_better"] else -1
        column = sign * means.get(entry["spec"], pd.Series(dtype=float)).dropna()
        # the other ceilings hold for models whose parts add up, see test_benchmarks
        known = entry["kind"] == "localisation" or entry["spec"] in EXACT
        if known and len(column) == 3:
            assert column["oracle"] == column.max(), entry["spec"]

    facts = load_facts(finished)
    assert facts["in_domain"]["images"] == facts["redrawing"]["images"] == 4
    assert {(row["metric"], row["way"]) for row in facts["declines"]} >= {
        ("part_correlation", "blurred"),
        ("relevance_mass", "shifted"),
        ("single_deletion", "mixed with noise"),
    }

    # again: nothing is computed twice
    monkeypatch.setattr(Uniform, "attribute", pytest.fail)
    run_ground_truth(finished, plan, METHODS)
    pd.testing.assert_frame_equal(load_scores(finished), scores)


def test_a_run_without_its_parts_goes_on_and_loses_nothing(
    finished, plan, other, tmp_path, monkeypatch
):
    """As the shipped run comes, or one that a colleague passed on."""
    folder = tmp_path / "passed on"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("parts"))
    before, images = load_scores(folder), load_manifest(folder)["images"]
    parts = load_manifest(folder)["parts"]
    curves = load_curves(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Uniform, "attribute", pytest.fail)
        fewer = replace(plan, benchmarks=("target_sensitivity", "localisation"))
        assert run_ground_truth(folder, fewer, METHODS) == []
        (folder / "scenes" / "of_no_page.jpg").touch()
        assert run_ground_truth(folder, replace(plan, benchmarks=("necessity",)), METHODS) == []
    assert load_scene_book(folder).pages == load_scene_book(finished).pages
    assert not (folder / "scenes" / "of_no_page.jpg").exists()
    key = ["dataset", "image", "method_key", "metric_key"]
    same = [table.sort_values(key, ignore_index=True) for table in (before, load_scores(folder))]
    pd.testing.assert_frame_equal(*same)
    assert len(curves) == len(load_curves(folder))
    assert load_manifest(folder)["parts"] == parts
    assert {image["sha256"] for image in load_manifest(folder)["images"]} == {
        image["sha256"] for image in images
    }
    more = replace(plan, benchmarks=("target_localisation",), limit=6)
    assert run_ground_truth(folder, more, METHODS) == []
    count = load_scores(folder).groupby("metric")["image"].nunique()
    assert (count["relevance_mass"], count["target_localisation"]) == (4, 6)
    with pytest.raises(RunFolderError, match="another classifier; choose another run folder"):
        run_ground_truth(folder, replace(more, classifier=other), METHODS)
    with pytest.raises(RunFolderError, match="another precision; choose another run folder"):
        run_ground_truth(folder, more, METHODS, precision="bf16")


@pytest.mark.slow
def test_shards_merged_are_the_run_in_one_piece(finished, plan, tmp_path, monkeypatch):
    monkeypatch.setattr("xai_core.evaluation.plan.UNIT_IMAGES", 2)
    chosen = replace(plan, benchmarks=tuple(BENCHMARKS))
    with pytest.raises(RunFolderError, match="has no shards"):
        merge_part_shards(tmp_path)
    for number in (3, 1, 2):
        assert not load_facts(tmp_path)
        run_ground_truth(tmp_path, chosen, METHODS, shard=Shard(number, 3))
    assert merge_part_shards(tmp_path) == len(load_manifest(finished)["parts"])
    with monkeypatch.context() as patch:
        patch.setattr(Uniform, "attribute", pytest.fail)
        run_ground_truth(tmp_path, chosen, METHODS)
    whole, keys = load_scores(finished), ["metric", "method", "image"]
    both = [
        table[table["metric"].isin(BENCHMARKS)].sort_values(keys).set_index(keys)["score"]
        for table in (whole, load_scores(tmp_path))
    ]
    pd.testing.assert_series_equal(*both, rtol=1e-5)
    assert load_facts(tmp_path)["in_domain"] == load_facts(finished)["in_domain"]


def test_the_book_shows_what_removing_a_part_does(finished, split, classifier):
    book = load_scene_book(finished)
    assert {page["fruit"] for page in book.pages} == set(FRUITS)
    page = book.pages[0]
    index = [path.stem for path in split.images].index(page["name"])
    scene = split.scenes[index]
    target = CLASSES.index(page["target"])
    whole = classifier.logits(classifier.prepare(render(scene, SIDE).image)[None])[0]
    assert page["logit"] == pytest.approx(float(whole[target]), abs=1e-3)
    for unit in page["units"]:
        left = render(without(scene, unit["name"]), SIDE)
        logits = classifier.logits(classifier.prepare(left.image)[None])[0]
        assert unit["importance"] == pytest.approx(float(whole[target] - logits[target]), abs=1e-3)
        stored = np.asarray(Image.open(book.picture(page, unit["name"])), dtype=int)
        assert np.abs(stored - left.image).mean() < 4  # JPEG
        assert unit["sums"]["uniform"] == pytest.approx(unit["share"], abs=1e-3)
    assert set(page["methods"]) == {"uniform", "center_gaussian"}
    middle = np.unravel_index(book.maps(page, "center_gaussian").argmax(), (SIDE, SIDE))
    assert np.abs(np.array(middle) - SIDE / 2).max() <= 2
    assert load_scene_book(finished / "parts") is None


def test_accuracy_without_a_part_is_counted_by_scene(classifier, split):
    shots = [Shot(split.scenes[i], SIDE) for i in split.indices("single")]
    found = in_domain(classifier, shots)
    expected, minor = [], []
    for shot in shots:
        names = [f"{shot.scene.fruits[0].name}.{part.name}" for part in shot.scene.fruits[0].parts]
        pictures = [render(without(shot.scene, name), SIDE).image for name in names]
        images = torch.stack([classifier.prepare(picture) for picture in pictures])
        label = CLASSES.index(shot.scene.classes[0])
        right = (classifier.logits(images).argmax(dim=1) == label).float()
        expected.append(float(right.mean()))
        drawn = render(shot.scene, SIDE)
        sizes = [drawn.mask(name).sum() for name in names]
        kept = [hit for hit, size in zip(right.tolist(), sizes, strict=True) if size < max(sizes)]
        minor += [np.mean(kept)] if kept else []
    assert found["part"] == pytest.approx(np.mean(expected), abs=1e-3)
    assert found["whole"] == 1
    assert found["minor_part"] == pytest.approx(np.mean(minor), abs=1e-3)
    assert found["lost"] == pytest.approx(1 - found["minor_part"], abs=1e-3)


def test_a_missing_sticker_network_is_named_and_the_rest_runs(classifier, split, tmp_path):
    chosen = GroundTruth(
        classifier, ("shortcut_contrast", "grid_pointing"), 4, ("not_trained",), split
    )
    notes = run_ground_truth(tmp_path, chosen, METHODS)
    assert notes == [
        "shortcut_contrast: the model not_trained is missing: "
        "run campare train --dataset not_trained"
    ]
    assert set(load_scores(tmp_path)["metric"]) == {"grid_pointing"}


def test_benchmarks_on_varieties_are_asked_on_varieties_alone(finished, plan):
    parts = {
        name: {m["spec"] for m in load_manifest(finished / "parts" / name)["metrics"].values()}
        for name in ("scenes", "varieties")
    }
    assert parts["varieties"] == ON_VARIETIES
    assert not parts["scenes"] & ON_VARIETIES
    rows = load_scores(finished)
    rows = rows[rows["metric"].isin(ON_VARIETIES)]
    assert set(rows["image"].str[:7]) == {"variety"}
    dataset = varieties_dataset(CLASSES, 5, SIDE)
    assert [CLASSES[item.label] for item in dataset.items] == list(VARIETIES[:5])
    assert [item.level for item in dataset.items] == [1, 2, 3, 4, 1]


def test_a_model_that_knows_no_varieties_is_named_and_the_rest_runs(split, tmp_path):
    network = Prototypes(torch.zeros(4, 3, SIDE, SIDE))
    form = InputFormat(size=SIDE, resize=SIDE, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    few = Classifier.of(network, FRUITS, name="few", form=form)
    plan = GroundTruth(few, ("sufficiency",), 2, (), split)
    notes = run_ground_truth(tmp_path, plan, METHODS)
    assert notes[0] == "sufficiency on varieties: few knows no varieties"
    assert set(load_scores(tmp_path)["metric"]) == {"sufficiency"}


def test_the_contrast_is_made_of_both_networks_shares(finished):
    rows = load_scores(finished)
    rows = rows[(rows["metric"] == "shortcut_contrast") & (rows["method"] == "center_gaussian")]
    parts = [
        load_scores(finished / "parts" / f"stickers-with_{n}") for n in ("shortcut", "control")
    ]
    shares = [p[p["method"] == "center_gaussian"].set_index("image")["score"] for p in parts]
    expected = contrast(shares[0].to_numpy(), shares[1][shares[0].index].to_numpy())
    found = rows.set_index("image")["score"][shares[0].index]
    assert np.allclose(found, expected, equal_nan=True)
    assert found.mean() == pytest.approx(0.5)  # the map does not depend on the model
    curves = load_curves(finished)
    one = curves[curves["image_sha256"] == rows["image_sha256"].iloc[0]]
    assert set(one["curve"]) == {"shortcut", "control"}


def test_maps_explain_exactly_the_pictures_that_are_drawn_again(plan, finished, tmp_path):
    for stored in (plan.scenes(finished), pairs_dataset(plan.split, CLASSES)):
        dataset = drawn_anew(stored, tmp_path / stored.name)
        for item, before in zip(dataset.items, stored.items, strict=True):
            shot = item.read_shot()
            drawn = render(shot.scene, shot.size, shot.supersample)
            assert np.array_equal(item.open().rgb, drawn.image)
            assert np.array_equal(item.mask(item.open()), drawn.mask(shot.scene.fruits[0].name))
            assert (item.name, item.label, item.level) == (before.name, before.label, before.level)
    facts = load_facts(finished)["redrawing"]
    assert facts["same_prediction"] == 1
    # alone or in a batch: float32 sums of 6,912 terms in another order
    assert facts["mean_change"] < 1e-4 * facts["spread"]
    images = {i["sha256"] for i in load_manifest(finished / "parts" / "scenes")["images"]}
    assert images == {item.sha256() for item in plan.scenes(finished).items}


def test_a_stale_picture_is_drawn_over(plan, tmp_path):
    stored = plan.scenes(tmp_path / "run").items[0]
    Image.new("RGB", (SIDE, SIDE)).save(stored.path)
    again = plan.scenes(tmp_path / "run").items[0]
    assert np.array_equal(again.open().rgb, render(again.read_shot().scene, SIDE).image)


def test_unknown_benchmarks_are_refused_with_the_known_ones(classifier, split):
    with pytest.raises(ValueError, match="unknown benchmark 'parts'; known: distractibility"):
        GroundTruth(classifier, ("parts",), split=split)


def test_mosaics_hold_four_classes_and_name_the_right_cell(split, classifier, tmp_path):
    dataset = mosaics_dataset(split, classifier, tmp_path, 4)
    assert len({item.sha256() for item in dataset.items}) == 4
    large = twice_as_large(classifier)
    for item in dataset.items:
        photo = item.open()
        assert photo.rgb.shape == (2 * SIDE, 2 * SIDE, 3)
        mask = item.mask(photo)
        assert mask.sum() == SIDE * SIDE
        tile = photo.rgb[mask].reshape(SIDE, SIDE, 3)
        found = [i for i in range(4) if np.array_equal(split.image(i), tile)]
        assert [CLASSES[item.label]] == [split.classes[i][0] for i in found]
        assert large.prepare(photo.rgb).shape == (3, 2 * SIDE, 2 * SIDE)
    again = mosaics_dataset(split, classifier, tmp_path / "again", 4)
    assert [item.sha256() for item in again.items] == [item.sha256() for item in dataset.items]


def test_a_network_that_is_sure_of_nothing_gets_no_mosaic(split, classifier, tmp_path):
    network = classifier.private_copy()
    network.fc.weight, network.fc.bias = (nn.Parameter(0 * p) for p in network.fc.parameters())
    unsure = Classifier.of(network, CLASSES, name="unsure", form=classifier.form)
    with pytest.raises(ValueError, match="unsure is sure of images of 0 classes only"):
        mosaics_dataset(split, unsure, tmp_path, 4)


def test_cells_and_mosaics_are_in_reading_order():
    tiles = [np.full((2, 2, 3), value, np.uint8) for value in range(4)]
    whole = mosaic(tiles)
    assert [whole[cell_mask(cell, 2)].flatten().tolist() for cell in range(4)] == [
        [value] * 12 for value in range(4)
    ]


def test_pairs_are_labelled_by_their_first_fruit(split):
    dataset = pairs_dataset(split, CLASSES)
    assert [CLASSES[item.label] for item in dataset.items] == ["apple", "pear"]
    for item in dataset.items:
        drawn = render(item.read_shot().scene, SIDE)
        assert np.array_equal(item.mask(item.open()), drawn.mask(CLASSES[item.label]))
