from dataclasses import replace

import pytest

from xai_core.orchard import Sticker, sample_pair, sample_scene
from xai_core.orchard.interventions import (
    move_sticker,
    only,
    removable_units,
    swap_sticker,
    with_blanked,
    with_floor,
    with_material,
    with_sticker,
    without,
    without_highlight,
)
from xai_core.orchard.scene import Material, Surface, part_names


@pytest.fixture
def scene():
    return sample_scene("strawberry", 4, 1, Sticker(1, "beside"))


def test_each_unit_can_be_removed_and_only_it_is_gone(scene):
    units = removable_units(scene)
    assert {"strawberry.body", "distractor.0", "sticker", "highlight", "shadow"} <= set(units)
    for unit in units:
        left = without(scene, unit)
        assert set(removable_units(left)) == set(units) - {unit}
    assert removable_units(scene) == units


def test_removing_all_units_one_after_another_leaves_the_bare_floor(scene):
    for unit in removable_units(scene):
        scene = without(scene, unit)
    assert part_names(scene) == ("background",)
    assert removable_units(scene) == ()


def test_whole_fruit_of_a_pair_can_be_removed():
    left = without(sample_pair("apple", "corn", 1, 0), "apple")
    assert [fruit.name for fruit in left.fruits] == ["corn"]


def test_only_keeps_exactly_the_named_parts(scene):
    kept = only(scene, ["strawberry.seeds", "distractor.0"])
    assert part_names(kept) == ("background", "strawberry.seeds", "distractor.0")
    assert (kept.highlight, kept.shadow) == (scene.highlight, scene.shadow)


def test_unknown_units_are_refused_with_the_known_ones(scene):
    with pytest.raises(ValueError, match=r"strawberry\.body.*got 'strawberry\.core'"):
        without(scene, "strawberry.core")
    with pytest.raises(ValueError, match="parts must be among"):
        only(scene, ["apple.body"])
    with pytest.raises(ValueError, match="got 'highlight'"):
        without(without_highlight(scene), "highlight")
    with pytest.raises(ValueError, match="part must name a part of a fruit"):
        with_material(scene, "distractor.0", Material("plain", ((1, 0, 0),)))


def test_material_and_floor_replace_one_thing(scene):
    blue = Material("plain", ((0.0, 0.0, 1.0),))
    changed = with_material(scene, "strawberry.body", blue)
    materials = {part.name: part.material for part in changed.fruits[0].parts}
    before = {part.name: part.material for part in scene.fruits[0].parts}
    assert materials == {**before, "body": blue}
    floor = Surface("paper", ((1.0, 1.0, 1.0), (0.5, 0.5, 0.5)))
    assert with_floor(scene, floor) == replace(scene, floor=floor)


def test_sticker_can_be_moved_and_swapped_and_stays_when_parts_go(scene):
    on = move_sticker(scene, "on")
    assert on.sticker.place == "on"
    assert on.sticker.anchor[1] > 0.05
    assert scene.sticker.anchor[1] == 0
    shifted = move_sticker(scene, offset=(0.5, 0.0))
    assert shifted.sticker.anchor[0] != scene.sticker.anchor[0]
    assert swap_sticker(scene, 3).sticker == replace(scene.sticker, pattern=3)
    assert without(scene, "strawberry.body").sticker == scene.sticker
    assert with_sticker(scene, None).sticker is None
    with pytest.raises(ValueError, match=r"Sticker\.place"):
        move_sticker(scene, "under")
    with pytest.raises(ValueError, match="got None"):
        swap_sticker(without(scene, "sticker"), 1)


def test_blanked_cells_are_sorted_and_unique(scene):
    assert with_blanked(scene, [5, 1, 5]).blanked == (1, 5)
