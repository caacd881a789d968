import numpy as np
import pytest

from xai_core.orchard import CLASSES, pool, training_scene
from xai_core.orchard.pool import training_pool
from xai_core.orchard.rendering import render


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pool, "CHUNK", 3)


def test_pool_holds_the_training_scenes_in_order(tmp_path):
    images, labels, levels = training_pool(5, 32, 2, tmp_path, workers=1)
    assert images.shape == (5, 32, 32, 3)
    for index in range(5):
        scene = training_scene(2_000_000 + index)
        assert labels[index] == CLASSES.index(scene.classes[0])
        assert levels[index] == scene.level
        assert np.array_equal(images[index], render(scene, 32).image)


def test_killed_pool_goes_on_where_it_stopped_and_can_grow(tmp_path, monkeypatch):
    whole, labels, _ = training_pool(6, 32, 0, tmp_path / "undisturbed", workers=1)

    def die_in_second_chunk(done, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training_pool(6, 32, 0, tmp_path / "killed", workers=1, progress=die_in_second_chunk)
    calls = []
    again, same, _ = training_pool(
        6, 32, 0, tmp_path / "killed", workers=1, progress=lambda *call: calls.append(call)
    )
    assert calls == [(6, 6)]
    assert np.array_equal(again, whole)
    assert np.array_equal(same, labels)
    larger, _, _ = training_pool(8, 32, 0, tmp_path / "killed", workers=1)
    assert np.array_equal(larger[:6], whole)


def test_finished_pool_draws_nothing(tmp_path, monkeypatch):
    first, _, _ = training_pool(3, 32, 0, tmp_path, workers=1)
    monkeypatch.setattr(pool, "render", None)
    second, _, _ = training_pool(3, 32, 0, tmp_path, workers=1)
    assert np.array_equal(first, second)
    assert not second.flags.writeable
