import json
from dataclasses import replace

import pytest

from xai_core.orchard import Scene, Sticker, sample_pair, sample_scene
from xai_core.orchard.scene import FRUITS, part_names


@pytest.mark.parametrize("fruit", FRUITS)
def test_json_round_trip_gives_an_equal_scene(fruit):
    for level in (1, 4):
        scene = sample_scene(fruit, level, 3)
        assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


def test_round_trip_keeps_everything_that_edits_can_set():
    scene = sample_pair("kiwi", "corn", 3, 1)
    scene = replace(
        scene, sticker=Sticker(2, "beside"), blanked=(0, 15), highlight=False, shadow=False
    )
    assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


def test_unknown_field_is_refused():
    stored = sample_scene("apple", 1, 0).to_dict()
    stored["weather"] = "rain"
    with pytest.raises(TypeError, match="weather"):
        Scene.from_dict(stored)


def test_part_names_count_background_parts_distractors_sticker():
    scene = replace(sample_pair("apple", "lemon", 4, 2), sticker=Sticker(0))
    names = part_names(scene)
    assert names[0] == "background"
    assert names[1] == "apple.body"
    assert names[-1] == "sticker"
    assert len(set(names)) == len(names)
    assert {name.split(".")[0] for name in names[1:-1]} == {"apple", "lemon", "distractor"}
