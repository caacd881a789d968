import numpy as np
import pytest
import torch

from xai_core.orchard import redrawing, sample_scene
from xai_core.orchard.interventions import without
from xai_core.orchard.redrawing import draw_ahead, logits_of_shots, redrawn
from xai_core.orchard.rendering import render
from xai_core.orchard.shot import Shot

SHOT = Shot(sample_scene("pear", 3, 5), 48)


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(redrawing, "CACHE", tmp_path)
    return tmp_path


@pytest.fixture
def classifier(weighted_pixels):
    return weighted_pixels(torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)))


def test_the_kept_picture_is_the_drawn_one(own_cache, monkeypatch):
    fresh = render(SHOT.scene, 48)
    first = redrawn(SHOT)
    monkeypatch.setattr(redrawing, "render", pytest.fail)
    second = redrawn(SHOT)
    for found in (first, second):
        assert np.array_equal(found.image, fresh.image)
        assert np.array_equal(found.part_ids, fresh.part_ids)
        assert found.names == fresh.names


def test_keys_tell_pictures_apart():
    shots = [
        SHOT,
        Shot(SHOT.scene, 64),
        Shot(SHOT.scene, 48, 2),
        SHOT.of(without(SHOT.scene, "pear.stem")),
    ]
    assert len({shot.key for shot in shots}) == 4
    assert Shot(sample_scene("pear", 3, 5), 48).key == SHOT.key


def test_only_what_is_missing_is_drawn_ahead(own_cache):
    other = SHOT.of(without(SHOT.scene, "shadow"))
    redrawn(SHOT)
    seen = []
    assert draw_ahead([SHOT, other, other], progress=lambda *step: seen.append(step)) == 1
    assert seen == [(1, 1)]
    assert draw_ahead([SHOT, other]) == 0


def test_a_damaged_picture_is_drawn_again(own_cache):
    redrawn(SHOT)
    for path in own_cache.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:40])
    assert np.array_equal(redrawn(SHOT).image, render(SHOT.scene, 48).image)


def test_answers_are_kept_and_a_half_written_one_is_forgotten(own_cache, classifier, monkeypatch):
    other = SHOT.of(without(SHOT.scene, "shadow"))
    logits = logits_of_shots(classifier, [SHOT, other])
    expected = classifier.logits(
        torch.stack([classifier.prepare(redrawn(shot).image) for shot in (SHOT, other)])
    )
    assert torch.allclose(logits, expected, atol=1e-4)
    (path,) = own_cache.rglob("*.bin")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-3])
    redrawing._opened.cache_clear()
    assert torch.equal(logits_of_shots(classifier, [SHOT, other]), logits)
    assert path.stat().st_size == size
    redrawing._opened.cache_clear()
    monkeypatch.setattr(redrawing, "redrawn", pytest.fail)
    assert torch.equal(logits_of_shots(classifier, [other, SHOT]), logits.flip(0))


def test_without_a_cache_everything_still_works(monkeypatch, tmp_path, classifier):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setattr(redrawing, "CACHE", blocked)
    assert logits_of_shots(classifier, [SHOT]).shape == (1, 2)
