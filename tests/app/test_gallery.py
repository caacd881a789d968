"""The gallery: what is stored small comes back as it was; a second call adds what is new."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from xai_core.evaluation.dataset import Dataset, Item
from xai_core.evaluation.gallery import chosen_items, load_gallery, make_gallery
from xai_core.evaluation.packed_maps import grid_behind, packed, unpacked
from xai_core.images.reading import Photo
from xai_core.methods import METHODS
from xai_core.metrics import METRICS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def test_smooth_maps_are_kept_exactly_as_their_grid() -> None:
    grid = np.random.default_rng(0).normal(size=(2, 7, 7)).astype(np.float32)
    maps = np.stack([cv2.resize(g, (224, 224), interpolation=cv2.INTER_LINEAR) for g in grid])
    stored = packed(maps.astype(np.float16).astype(np.float32))
    assert set(stored) == {"grid"}
    np.testing.assert_allclose(stored["grid"], grid, atol=5e-3)
    np.testing.assert_allclose(unpacked(stored, 224), maps, atol=5e-3)


def test_piecewise_maps_are_kept_exactly() -> None:
    labels = np.random.default_rng(0).integers(0, 40, (224, 224))
    maps = np.random.default_rng(1).normal(size=(3, 40)).astype(np.float32)[:, labels]
    stored = packed(maps)
    assert set(stored) == {"labels", "table"}
    np.testing.assert_array_equal(unpacked(stored, 224), maps)


def test_noisy_maps_keep_their_block_means_to_a_part_in_a_hundred() -> None:
    maps = np.random.default_rng(0).normal(size=(1, 224, 224)).astype(np.float32)
    stored = packed(maps)
    assert set(stored) == {"fine", "scale"}
    small = cv2.resize(maps[0], (112, 112), interpolation=cv2.INTER_AREA)
    back = stored["fine"][0] * stored["scale"][0]
    assert np.abs(back - small).max() <= np.abs(small).max() / 250


def test_a_grid_is_found_only_where_there_is_one() -> None:
    noise = np.random.default_rng(0).normal(size=(1, 64, 64)).astype(np.float32)
    assert grid_behind(noise, 8) is None


@pytest.fixture
def dataset(photos: list[Photo], tmp_path: Path) -> Dataset:
    from PIL import Image

    items = []
    for number, photo in enumerate(photos):
        path = tmp_path / f"{number}.png"
        Image.fromarray(photo.rgb).save(path)
        items.append(Item(f"picture-{number}", path, label=number % 2, level=number + 1))
    return Dataset("four", tuple(items))


def test_gallery_shows_what_the_methods_give(
    tiny_classifier: Classifier, dataset: Dataset, tmp_path: Path
) -> None:
    methods = [METHODS["cam"](), METHODS["secam"](segments=12)]
    metrics = [METRICS["sparseness"]()]
    make_gallery(tmp_path, tiny_classifier, dataset, methods, metrics, names=["picture-1"])
    gallery = load_gallery(tmp_path)
    assert gallery is not None
    picture = gallery.picture("picture-1")
    batch = Batch.of(tiny_classifier, [dataset.items[1].open()])
    targets = torch.tensor([picture["targets"]])
    assert picture["targets"][0] == int(batch.predicted[0])
    for method in methods:
        maps = method.attribute(batch, targets)[0].numpy()
        stored = gallery.maps("picture-1", method.spec())
        assert np.abs(stored - maps).max() <= 0.01 * np.abs(maps).max()
        scores = gallery.entries("picture-1")[method.spec()]["scores"]
        assert len(scores["sparseness"]) == len(picture["targets"])


def test_what_methods_and_metrics_cost_is_noted_whether_they_are_stored_or_not(
    tiny_classifier: Classifier, dataset: Dataset, tmp_path: Path
) -> None:
    make_gallery(tmp_path, tiny_classifier, dataset, [], [], names=["picture-0"])
    gallery = load_gallery(tmp_path)
    assert gallery is not None
    methods, metrics = gallery.passes["methods"], gallery.passes["metrics"]
    assert (methods["uniform"], methods["cam"]) == (0, 1)
    assert methods["lime"] == METHODS["lime"]().samples
    assert methods["integrated_gradients"] == 3 * METHODS["integrated_gradients"]().steps
    assert "attention_rollout" not in methods  # a CNN has no tokens
    assert metrics["sparseness"] == 0
    assert metrics["max_sensitivity"] == METRICS["max_sensitivity"]().samples  # CAM takes one


def test_second_call_computes_only_what_is_missing(
    tiny_classifier: Classifier,
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cam, secam = METHODS["cam"](), METHODS["secam"]()
    make_gallery(tmp_path, tiny_classifier, dataset, [cam], [], names=["picture-0"])
    explained: list[str] = []
    attribute = type(cam).attribute
    monkeypatch.setattr(
        type(cam).__base__,
        "attribute",
        lambda self, *a: (explained.append(self.name), attribute(self, *a))[1],
    )
    make_gallery(tmp_path, tiny_classifier, dataset, [cam, secam], [], names=["picture-0"])
    assert explained == ["secam"]


def test_images_are_one_of_each_class_and_then_the_mistakes(dataset: Dataset) -> None:
    assert [item.label for item in chosen_items(dataset)] == [0, 1]
    first, second, third, last = dataset.items
    assert chosen_items(dataset, [first.sha256()]) == [third, second, first]
    assert chosen_items(dataset, [last.sha256(), first.sha256()]) == [third, second, last, first]
    assert chosen_items(dataset, ["elsewhere"]) == chosen_items(dataset)
    every = [item.sha256() for item in dataset.items]
    assert chosen_items(dataset, every)[:2] == chosen_items(dataset)


def test_the_true_class_is_among_those_that_are_explained(
    tiny_classifier: Classifier, photos: list[Photo], dataset: Dataset, tmp_path: Path
) -> None:
    order = Batch.of(tiny_classifier, photos[:1]).probabilities[0].argsort(descending=True)
    last, first = int(order[-1]), [int(index) for index in order[:2]]
    item = replace(dataset.items[0], label=last)
    made = make_gallery(tmp_path, tiny_classifier, Dataset("one", (item,)), [METHODS["cam"]()], [])
    assert made.pictures[0]["targets"] == [*first, last]
