import numpy as np
import pytest
import torch

from xai_core.orchard import CLASSES, pool, training_scene
from xai_core.orchard.mixture import KINDS, mixed_scene
from xai_core.orchard.pool import Pool, training_pool
from xai_core.orchard.rendering import render
from xai_core.training.accuracy import validation_accuracy
from xai_core.training.curriculum import RenderedScenes


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pool, "CHUNK", 3)


def test_pool_holds_the_training_scenes_in_order(tmp_path):
    pool = training_pool(5, 32, 2, tmp_path, workers=1)
    images = pool.images
    assert images.shape == (5, 32, 32, 3)
    for index in range(5):
        scene = training_scene(2_000_000 + index)
        assert [CLASSES[k] for k in pool.shown[index].nonzero()[0]] == list(scene.classes)
        assert pool.levels[index] == scene.level
        assert np.array_equal(images[index], render(scene, 32).image)


def test_killed_pool_goes_on_where_it_stopped_and_can_grow(tmp_path, monkeypatch):
    whole = training_pool(6, 32, 0, tmp_path / "undisturbed", workers=1)

    def die_in_second_chunk(done, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training_pool(6, 32, 0, tmp_path / "killed", workers=1, progress=die_in_second_chunk)
    calls = []
    again = training_pool(
        6, 32, 0, tmp_path / "killed", workers=1, progress=lambda *call: calls.append(call)
    )
    assert calls == [(6, 6)]
    assert np.array_equal(again.images, whole.images)
    assert np.array_equal(again.shown, whole.shown)
    larger = training_pool(8, 32, 0, tmp_path / "killed", workers=1)
    assert np.array_equal(larger.images[:6], whole.images)


def test_finished_pool_draws_nothing(tmp_path, monkeypatch):
    first = training_pool(3, 32, 0, tmp_path, workers=1)
    monkeypatch.setattr(pool, "render", None)
    second = training_pool(3, 32, 0, tmp_path, workers=1)
    assert np.array_equal(first.images, second.images)
    assert not second.images.flags.writeable


def test_a_pool_of_all_kinds_knows_the_kind_and_every_class_that_may_be_shown(tmp_path):
    found = training_pool(12, 16, 0, tmp_path, workers=1, scenes="orchard_mixed")
    scenes = [mixed_scene(index) for index in range(12)]
    assert list(found.kinds) == list(KINDS) * 2
    for scene, shown, level in zip(scenes, found.shown, found.levels, strict=True):
        assert {CLASSES[k] for k in shown.nonzero()[0]} == set(scene.classes)
        assert level == scene.level
    shares = RenderedScenes(found).labels
    for scene, row in zip(scenes, shares, strict=True):
        expected = [(name in scene.classes) / len(scene.classes) for name in CLASSES]
        assert row.tolist() == pytest.approx(expected)


def test_validation_is_counted_by_kind_class_and_level():
    shown = np.zeros((4, len(CLASSES)), dtype=bool)
    shown[0, 0] = shown[1, [0, 1]] = shown[2, 20] = shown[3, 12:] = True
    kinds = np.array(["single", "pair", "variety", "variety"])
    pool = Pool(np.zeros((4, 1, 1, 3), np.uint8), shown, np.array([1, 1, 2, 2]), kinds)
    found = validation_accuracy(torch.tensor([True, False, True, False]), pool)
    assert found["accuracy"] == 0.5
    rates = {
        title: {name: counts["accuracy"] for name, counts in found[title].items()}
        for title in ("by_kind", "by_class", "by_level")
    }
    assert rates["by_kind"] == {"single": 1.0, "pair": 0.0, "variety": 0.5}
    assert rates["by_class"] == {"apple": 1.0, "gourd_9": 1.0}
    assert rates["by_level"] == {"1": 0.5, "2": 0.5}
