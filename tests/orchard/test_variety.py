"""Varieties: gourds that differ in small parts only, and the scenes that show one."""

import itertools

import numpy as np
import pytest

from xai_core.orchard import Scene
from xai_core.orchard.fruits.gourd import PARTS, WORDS, alike, forms
from xai_core.orchard.interventions import without
from xai_core.orchard.mixture import KINDS, mixed_scene
from xai_core.orchard.rendering import render
from xai_core.orchard.scene import VARIETIES
from xai_core.orchard.variety import PART_AREAS, WIDTHS, sample_variety


@pytest.fixture(scope="module")
def varieties():
    return [sample_variety(1 + seed % 4, seed, VARIETIES[seed % 9]) for seed in range(36)]


@pytest.fixture(scope="module")
def drawn(varieties):
    return [render(scene, 112) for scene in varieties]


def test_any_two_varieties_differ_in_exactly_three_parts():
    assert len(set(WORDS)) == len(VARIETIES) == 9
    for one, other in itertools.combinations(WORDS, 2):
        assert sum(a != b for a, b in zip(one, other, strict=True)) == 3


@pytest.mark.parametrize("name", VARIETIES)
def test_one_part_leaves_three_varieties_and_two_tell(name):
    """Counted by hand from the words, for every set of parts."""
    for count, left in ((0, 9), (1, 3), (2, 1), (3, 1), (4, 1)):
        for parts in itertools.combinations(PARTS, count):
            slow = [
                other
                for other in VARIETIES
                if not any(
                    forms(other)[PARTS.index(part)] != forms(name)[PARTS.index(part)]
                    for part in parts
                )
            ]
            assert alike(name, ("body", *parts)) == tuple(slow)
            assert len(slow) == left


def test_parts_of_one_form_look_alike_and_bodies_are_one(varieties):
    by_form = {}
    for scene in varieties:
        body, *parts = scene.fruits[0].parts
        assert [part.name for part in parts] == list(PARTS)
        assert body.primitives == varieties[0].fruits[0].parts[0].primitives
        for part, form in zip(parts, forms(scene.classes[0]), strict=True):
            by_form.setdefault((part.name, form), []).append(part)
    assert len(by_form) == 12
    for name in PARTS:
        middles = []
        for form in range(3):
            same = by_form[name, form]
            assert len({len(part.primitives[0].items) for part in same}) == 1
            assert len({tuple(p.kind for p in part.primitives) for part in same}) == 1
            colours = np.array([part.material.colours[0] for part in same])
            assert np.ptp(colours, axis=0).max() < 0.07
            middles.append(colours.mean(axis=0))
        for one, other in itertools.combinations(middles, 2):
            assert np.abs(one - other).max() > 0.25


def test_every_part_is_seen_and_small(varieties, drawn):
    for name in PARTS:
        shares = np.array(
            [d.mask(f"{s.classes[0]}.{name}").mean() for s, d in zip(varieties, drawn, strict=True)]
        )
        assert ((shares >= PART_AREAS[0]) & (shares <= PART_AREAS[1])).mean() >= 0.9
        assert shares.min() > 0.004


def test_gourds_are_whole_and_as_wide_as_said(varieties, drawn):
    for scene, picture in zip(varieties, drawn, strict=True):
        mask = picture.mask(scene.classes[0])
        assert mask.sum() == mask[1:-1, 1:-1].sum()
        body = without_all_but_body(scene)
        columns = np.nonzero(render(body, 112).mask(f"{scene.classes[0]}.body").any(axis=0))[0]
        # about the widest slice of a round body, which a little perspective widens
        assert WIDTHS[0] - 0.03 < (np.ptp(columns) + 1) / 112 < WIDTHS[1] + 0.03


def without_all_but_body(scene):
    for part in PARTS:
        scene = without(scene, f"{scene.classes[0]}.{part}")
    return scene


def test_a_part_that_is_removed_changes_only_what_lies_near_it(varieties):
    """Its own pixels, its shadow, and what was behind; never the other end of the image."""
    for scene in varieties[:9]:
        scene = without(scene, "shadow")
        before = render(scene, 112)
        for name in PARTS:
            unit = f"{scene.classes[0]}.{name}"
            after = render(without(scene, unit), 112)
            rows, columns = np.nonzero(before.mask(unit))
            near = np.zeros((112, 112), bool)
            # half of the body's width: the reach of ambient occlusion
            near[
                max(0, rows.min() - 8) : rows.max() + 9,
                max(0, columns.min() - 8) : columns.max() + 9,
            ] = True
            changed = np.abs(before.image.astype(int) - after.image).max(axis=2) > 12
            assert changed[before.mask(unit)].mean() > 0.6
            assert not (changed & ~near).any()


def test_places_are_uniform_where_the_gourd_fits():
    """The middle's place over the range it may have: every quarter of it is used, both ways."""
    spots = []
    for seed in range(60):
        scene = sample_variety(1 + seed % 4, seed)
        mask = render(scene, 48).mask(scene.classes[0])
        for axis in (0, 1):
            along = np.nonzero(mask.any(axis=axis))[0]
            free = 48 - len(along)
            spots.append((axis, along.min() / free))
    for axis in (0, 1):
        found = np.array([spot for a, spot in spots if a == axis])
        counts, _ = np.histogram(found, bins=4, range=(0, 1))
        assert counts.min() >= 5  # of 15 expected, less than one in a thousand


def test_a_variety_is_the_same_for_its_seed_and_survives_json(varieties):
    assert sample_variety(3, 2, VARIETIES[2]) == varieties[2]
    assert Scene.from_dict(varieties[2].to_dict()) == varieties[2]
    assert {sample_variety(1, seed).classes[0] for seed in range(80)} == set(VARIETIES)


def test_wrong_varieties_are_named():
    with pytest.raises(ValueError, match="one of gourd_1, gourd_2"):
        sample_variety(1, 0, "apple")
    with pytest.raises(ValueError, match="level must be"):
        sample_variety(0, 0)


def test_a_thinned_variety_may_be_any_that_has_what_is_left():
    """Half of them are thinned; the classes are found again by comparing every pair of words."""
    seeds = [seed for seed in range(600) if KINDS[seed % len(KINDS)] == "variety"]
    scenes = [mixed_scene(seed) for seed in seeds]
    sizes = []
    for scene in scenes:
        gourd = scene.fruits[0]
        assert gourd.parts
        seen = [part.name for part in gourd.parts if part.name != "body"]
        own = WORDS[VARIETIES.index(gourd.kind)]
        possible = []
        for name, word in zip(VARIETIES, WORDS, strict=True):
            differing = [part for part, a, b in zip(PARTS, own, word, strict=True) if a != b]
            if not set(differing) & set(seen):
                possible.append(name)
        assert scene.classes == tuple(possible)
        sizes.append(len(possible))
    assert set(sizes) == {1, 3, 9}
    whole = [len(scene.fruits[0].parts) == 5 for scene in scenes]
    assert 0.35 < np.mean(whole) < 0.65  # half of 200
    assert {len(scene.fruits[0].parts) for scene in scenes} == {1, 2, 3, 4, 5}
    assert any(scene.fruits[0].parts[0].name != "body" for scene in scenes)
