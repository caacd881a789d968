"""Table scenes: small fruits of different classes that lie anywhere."""

import numpy as np
import pytest
from scipy import stats

from xai_core.orchard import Scene
from xai_core.orchard.frame import Frame
from xai_core.orchard.geometry import world_points
from xai_core.orchard.mixture import KINDS, mixed_scene
from xai_core.orchard.rendering import render
from xai_core.orchard.scene import FRUITS
from xai_core.orchard.table import AREAS, COUNTS, sample_table


@pytest.fixture(scope="module")
def tables():
    return [sample_table(1 + seed % 4, seed) for seed in range(80)]


def centres(scenes):
    places = []
    for scene in scenes:
        frame = Frame.of(scene.camera)
        for fruit in scene.fruits:
            seen = frame.seen(world_points(fruit))
            places.append((seen.min(axis=0) + seen.max(axis=0)) / 2)
    return np.array(places)


def test_fruits_are_of_different_classes_and_the_one_asked_for_is_any(tables):
    assert {len(scene.fruits) for scene in tables} == set(COUNTS)
    for scene in tables:
        assert len(set(scene.classes)) == len(scene.classes) == len(scene.fruits)
    assert {scene.classes[0] for scene in tables} == set(FRUITS)


def test_each_fruit_shows_about_two_to_four_per_cent(tables):
    low, high = AREAS
    drawn = [(scene, render(scene, 112)) for scene in tables[::8]]
    shares = [image.mask(f.name).mean() for scene, image in drawn for f in scene.fruits]
    shown = np.array(shares)
    # the outlines that set the size are hulls: cherries with a gap between them show less
    assert ((low <= shown) & (shown <= high)).mean() >= 0.9
    assert low / 2 < shown.min()
    assert shown.max() < 1.1 * high


def test_centres_are_uniform_over_the_frame(tables):
    for along in centres(tables).T:
        # fruits keep apart, so the places of one scene are not independent: one in a thousand
        assert stats.kstest(along, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_the_middle_of_what_is_drawn_is_where_the_frame_says():
    scene = sample_table(1, 3)
    drawn = render(scene, 112)
    for fruit, (across, up) in zip(scene.fruits, centres([scene]), strict=True):
        rows, columns = np.nonzero(drawn.mask(fruit.name))
        inside = abs(across) < 0.8 and abs(up) < 0.8
        if inside:
            assert (columns.min() + columns.max()) / 2 == pytest.approx(
                (across + 1) / 2 * 112, abs=3
            )
            assert (rows.min() + rows.max()) / 2 == pytest.approx((1 - up) / 2 * 112, abs=3)


def test_a_table_is_the_same_for_its_seed_and_survives_json(tables):
    assert sample_table(3, 2) == tables[2]
    assert Scene.from_dict(tables[2].to_dict()) == tables[2]


def test_wrong_classes_are_named():
    with pytest.raises(ValueError, match="different ones of apple"):
        sample_table(1, 0, ("apple", "apple"))
    with pytest.raises(ValueError, match="level must be"):
        sample_table(5, 0)


def test_a_mixture_holds_every_kind_and_names_what_is_left_in_it():
    scenes = [mixed_scene(seed) for seed in range(40)]
    assert [scene.kind for scene in scenes] == [KINDS[seed % len(KINDS)] for seed in range(40)]
    several = [scene for scene in scenes if scene.kind in ("pair", "table")]
    assert all(scene.classes == tuple(f.kind for f in scene.fruits) for scene in several)
    assert min(len(scene.fruits) for scene in several) >= 1
    assert any(len(s.fruits) < 3 for s in several if s.kind == "table")
