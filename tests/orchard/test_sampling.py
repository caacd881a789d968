import numpy as np
import pytest

from xai_core.orchard import sample_pair, sample_scene, training_scene
from xai_core.orchard.fruits import GROW
from xai_core.orchard.interventions import removable_units
from xai_core.orchard.rendering import render
from xai_core.orchard.scene import CLASSES, FRUITS


@pytest.mark.parametrize("fruit", FRUITS)
def test_parts_and_removable_units_over_many_seeds(fruit):
    for level in (1, 2, 3, 4):
        for seed in range(12):
            scene = sample_scene(fruit, level, seed)
            names = [part.name for part in scene.fruits[0].parts]
            assert 2 <= len(names) <= 5
            assert len(set(names)) == len(names)
            assert len(removable_units(scene)) >= 4
            assert len(scene.distractors) <= 3
            assert not {thing.kind for thing in scene.distractors} & set(FRUITS)


def test_same_seed_same_scene_and_other_seed_another():
    assert sample_scene("pear", 3, 8) == sample_scene("pear", 3, 8)
    assert sample_scene("pear", 3, 8) != sample_scene("pear", 3, 9)
    assert training_scene(4) == training_scene(4)


def test_levels_get_smaller_and_more_cluttered():
    widths, clutter = [], []
    for level in (1, 4):
        shown = []
        for seed in range(12):
            columns = np.nonzero(
                render(sample_scene(FRUITS[seed], level, seed), 64).mask(FRUITS[seed]).any(0)
            )[0]
            shown.append(np.ptp(columns) / 64 if len(columns) else 0.0)
        widths.append(np.median(shown))
        counts = [len(sample_scene("kiwi", level, seed).distractors) for seed in range(20)]
        clutter.append(np.mean(counts))
    assert 0.35 < widths[0] < 0.68
    assert 0.1 < widths[1] < 0.36
    assert clutter[1] > clutter[0] + 1


def test_eight_floors_and_backdrops_are_used():
    scenes = [sample_scene("lemon", 2 + seed % 3, seed) for seed in range(150)]
    assert len({scene.floor.family for scene in scenes}) == 8
    assert len({scene.backdrop.family for scene in scenes}) == 8


def test_half_of_the_training_scenes_are_disturbed():
    scenes = [training_scene(seed) for seed in range(300)]
    complete = [
        scene.highlight
        and scene.shadow
        and not scene.blanked
        and scene.fruits == sample_scene(scene.classes[0], scene.level, scene.seed).fruits
        for scene in scenes
    ]
    assert 0.4 < np.mean(complete) < 0.65
    assert all(scene.fruits[0].parts for scene in scenes)
    assert {scene.classes[0] for scene in scenes} == set(FRUITS)
    assert {scene.level for scene in scenes} == {1, 2, 3, 4}
    assert not any(scene.sticker for scene in scenes)


def test_colour_alone_does_not_decide():
    """The hues of bodies overlap: for each class another one has a body colour near one of its."""
    bodies = {
        fruit: np.array(
            [
                sample_scene(fruit, 3, seed).fruits[0].parts[0].material.colours[0]
                for seed in range(25)
            ]
        )
        for fruit in FRUITS
    }
    for fruit, colours in bodies.items():
        others = np.concatenate([bodies[other] for other in FRUITS if other != fruit])
        nearest = np.abs(colours[:, None] - others[None]).max(2).min(1)
        assert (nearest < 0.12).mean() > 0.2, fruit


def test_every_class_can_be_grown():
    assert tuple(GROW) == CLASSES


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="got 'plum'"):
        sample_scene("plum", 1, 0)
    with pytest.raises(ValueError, match="level must be one of 1, 2, 3, 4, got 5"):
        sample_scene("apple", 5, 0)
    with pytest.raises(ValueError, match="two different fruits"):
        sample_pair("apple", "apple", 1, 0)
