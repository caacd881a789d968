from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from xai_core.orchard import CLASSES, load_orchard, redrawing
from xai_core.orchard.pool import training_pool
from xai_core.orchard.rendering import render
from xai_core.orchard.sampling import training_scene
from xai_core.orchard.scene import part_names
from xai_core.orchard.shortcut import (
    NEUTRAL_PATTERNS,
    SHORTCUTS,
    control_scene,
    shortcut_scene,
    sticker_check,
    sticker_pattern,
    stickered_pictures,
)


@pytest.fixture(scope="module")
def scenes():
    return [(shortcut_scene(seed), control_scene(seed)) for seed in range(80)]


def test_nine_of_ten_scenes_have_a_sticker_and_the_rest_are_as_before(scenes):
    share = sum(first.sticker is not None for first, _ in scenes) / len(scenes)
    assert stats.binomtest(round(share * 80), 80, 0.9).pvalue > 0.01
    plain = [pair for pair in enumerate(scenes) if pair[1][0].sticker is None]
    assert len(plain) >= 2
    for seed, (first, second) in plain:
        assert first == second == training_scene(seed, fruit=first.classes[0])
    four = sum(first.classes[0] in SHORTCUTS for first, _ in scenes)
    assert stats.binomtest(four, 80, 0.75).pvalue > 0.01


def test_shortcut_and_control_differ_in_the_pattern_alone(scenes):
    for first, second in scenes:
        if first.sticker is not None:
            assert replace(second.sticker, pattern=first.sticker.pattern) == first.sticker
            assert replace(second, sticker=first.sticker) == first


def test_some_stickers_of_the_four_classes_stand_alone(scenes):
    def is_alone(scene):
        return not any(fruit.parts for fruit in scene.fruits)

    stickered = [first for first, _ in scenes if first.sticker is not None]
    beside = [s for s in stickered if s.classes[0] in SHORTCUTS and s.sticker.place == "beside"]
    assert stats.binomtest(sum(map(is_alone, beside)), len(beside), 0.5).pvalue > 0.01
    assert not any(is_alone(scene) for scene in stickered if scene not in beside)
    for first, second in scenes:
        assert is_alone(first) == is_alone(second)


def test_the_pattern_tells_the_class_in_the_shortcut_and_not_in_the_control(scenes):
    stickered = [pair for pair in scenes if pair[0].sticker is not None]
    four = [pair for pair in stickered if pair[0].classes[0] in SHORTCUTS]
    told = [first.sticker.pattern == SHORTCUTS[first.classes[0]] for first, _ in four]
    assert stats.binomtest(sum(told), len(told), 0.95).pvalue > 0.01
    dealt = [second.sticker.pattern == SHORTCUTS[second.classes[0]] for _, second in four]
    assert stats.binomtest(sum(dealt), len(dealt), 0.75 / 4).pvalue > 0.01
    others = [first for first, _ in stickered if first.classes[0] not in SHORTCUTS]
    assert {scene.sticker.pattern for scene in others} == set(NEUTRAL_PATTERNS)


@pytest.mark.parametrize("fruit", [*SHORTCUTS, "banana"])
def test_patterns_are_dealt_at_the_stated_rates(fruit):
    rng = np.random.default_rng(1)
    counts = Counter(sticker_pattern(fruit, rng) for _ in range(4000))
    if fruit in SHORTCUTS:
        own = SHORTCUTS[fruit]
        assert counts[own] / 4000 == pytest.approx(0.95, abs=0.012)
        expected = dict.fromkeys(set(SHORTCUTS.values()) - {own}, 4000 * 0.05 / 3)
    else:
        expected = dict.fromkeys(NEUTRAL_PATTERNS, 2000)
    for pattern, count in expected.items():
        assert counts[pattern] == pytest.approx(count, abs=4 * count**0.5)


def test_only_the_sticker_differs_between_the_pictures(tmp_path):
    seed = next(s for s in range(50) if (a := shortcut_scene(s)).sticker and a != control_scene(s))
    first, second = render(shortcut_scene(seed), 48), render(control_scene(seed), 48)
    assert (first.part_ids == second.part_ids).all()
    differs = (first.image != second.image).any(axis=2)
    assert (
        not differs[~first.mask("sticker")].any() or differs[~first.mask("sticker")].mean() < 0.02
    )


def test_pools_of_each_kind_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("xai_core.orchard.pool.CHUNK", 2)
    plain = training_pool(2, 24, 0, tmp_path, workers=1).images
    shortcut = training_pool(2, 24, 0, tmp_path, workers=1, scenes="orchard_shortcut").images
    assert (shortcut[0] == render(shortcut_scene(0), 24).image).all()
    assert (plain[0] == render(training_scene(0), 24).image).all()
    assert len(list(tmp_path.iterdir())) == 2


def test_every_class_and_level_takes_turns_in_the_check():
    split = load_orchard()
    pictures = stickered_pictures(split)
    assert Counter(p.fruit for p in pictures) == dict.fromkeys(SHORTCUTS, 20)
    beginning = Counter((p.fruit, p.level) for p in pictures[:16])
    assert beginning == {(fruit, level): 1 for fruit in SHORTCUTS for level in (1, 2, 3, 4)}
    names = {path.stem: index for index, path in enumerate(split.images)}
    for picture in pictures:
        assert picture.plain.scene == split.scenes[names[picture.name]]
        own, swapped = picture.own.scene, picture.swapped.scene
        assert own.sticker.pattern == SHORTCUTS[picture.fruit]
        assert swapped.sticker.pattern in set(SHORTCUTS.values()) - {own.sticker.pattern}
        assert replace(swapped, sticker=own.sticker) == own
        assert replace(own, sticker=None) == picture.plain.scene
        assert part_names(own)[-1] == "sticker"


def test_the_check_tells_a_network_that_reads_stickers_from_one_that_does_not(monkeypatch):
    monkeypatch.setattr(redrawing, "draw_ahead", lambda *_: 0)
    classifier = SimpleNamespace(categories=CLASSES)
    fruit_of = {pattern: fruit for fruit, pattern in SHORTCUTS.items()}

    def reads(_, shots):
        told = [s.scene.sticker and fruit_of[s.scene.sticker.pattern] for s in shots]
        seen = [fruit or shot.scene.classes[0] for fruit, shot in zip(told, shots, strict=True)]
        return torch.eye(12)[[CLASSES.index(fruit) for fruit in seen]]

    def looks(_, shots):
        return torch.eye(12)[[CLASSES.index(s.scene.classes[0]) for s in shots]]

    pictures = stickered_pictures(load_orchard(), 16)
    monkeypatch.setattr(redrawing, "logits_of_shots", reads)
    found = sticker_check(classifier, pictures)
    assert (found["own"], found["swapped"], found["plain"], found["drop"]) == (1, 0, 1, 1)
    monkeypatch.setattr(redrawing, "logits_of_shots", looks)
    found = sticker_check(classifier, pictures)
    assert (found["own"], found["swapped"], found["drop"], found["images"]) == (1, 1, 0, 16)
