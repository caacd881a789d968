import itertools
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import Tensor

from xai_core.evaluation.statistics import bca_interval, pairwise_wilcoxon
from xai_core.ground_truth.benchmarks import BENCHMARKS, _units
from xai_core.ground_truth.benchmarks._units import (
    importance_both_ways,
    most_first,
    region_of,
    resized,
    spread,
    units_in,
    units_of,
)
from xai_core.ground_truth.benchmarks.distractibility import Distractibility, other_backgrounds
from xai_core.ground_truth.benchmarks.grid_pointing import GridPointing
from xai_core.ground_truth.benchmarks.necessity import Necessity
from xai_core.ground_truth.benchmarks.part_correlation import PartCorrelation, concordance
from xai_core.ground_truth.benchmarks.shortcut_contrast import ShortcutContrast, contrast
from xai_core.ground_truth.benchmarks.sufficiency import Sufficiency
from xai_core.ground_truth.benchmarks.target_localisation import TargetLocalisation
from xai_core.ground_truth.benchmarks.target_sensitivity import TargetSensitivity
from xai_core.ground_truth.oracle import Oracle
from xai_core.methods.center_gaussian import CenterGaussian
from xai_core.methods.random import Random
from xai_core.methods.uniform import Uniform
from xai_core.orchard import Sticker, sample_pair, sample_scene
from xai_core.orchard.interventions import only, removable_units, without
from xai_core.orchard.redrawing import logits_of_shots, redrawn
from xai_core.orchard.rendering import render
from xai_core.orchard.shot import Shot
from xai_core.orchard.table import sample_table
from xai_core.orchard.variety import sample_variety
from xai_core.recipe import key_of

SIDE = 48
SHOTS = [
    Shot(sample_scene(fruit, 2 + seed % 2, seed), SIDE)
    for seed, fruit in enumerate(
        ("apple", "kiwi", "strawberry", "watermelon", "pear", "pineapple", "corn", "cherry")
    )
]


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def sees_everything(weighted_pixels):
    """Weights of both signs in smooth patches: a part's importance does not follow its size."""
    coarse = noise(3, 2, 3, 8, 8)
    weights = torch.nn.functional.interpolate(coarse, size=SIDE, mode="nearest")
    return weighted_pixels(weights * 0.02)


def mean_score(metric, case) -> float:
    return float(metric.score(case).values.nanmean())


# part correlation


def test_importance_is_the_logit_lost_when_the_scene_is_drawn_without_the_unit(
    sees_everything, drawn_case
):
    case = drawn_case(sees_everything, SHOTS[:2], targets=[1, 0])
    for units, shot, target in zip(units_of(case), SHOTS, (1, 0), strict=False):
        drawn = render(shot.scene, SIDE)
        names = [n for n in removable_units(shot.scene) if n in units.names]
        assert tuple(names) == units.names
        assert len(names) >= 4
        for position, name in enumerate(names):
            other = render(without(shot.scene, name), SIDE)
            both = [sees_everything.prepare(picture.image) for picture in (drawn, other)]
            logits = sees_everything.logits(torch.stack(both))[:, target]
            assert float(units.importance(target)[position]) == pytest.approx(
                float(logits[0] - logits[1]), abs=1e-4
            )
            if name in ("highlight", "shadow"):
                differs = np.abs(drawn.image.astype(int) - other.image).max(axis=2) >= 12
                assert np.array_equal(units.regions[position].numpy(), differs)
            else:
                assert np.array_equal(units.regions[position].numpy(), drawn.mask(name))


def pairs_in_order(found, importance, noise) -> float:
    """Of the pairs that differ beyond noise, those in order less those reversed: written out."""
    order = []
    for u, v in itertools.combinations(range(len(found)), 2):
        if abs(importance[u] - importance[v]) > noise * max(map(abs, importance)):
            order.append(np.sign((found[u] - found[v]) * (importance[u] - importance[v])))
    return float(np.mean(order))


@pytest.mark.parametrize("noise_share", [0.0, 0.4])
def test_part_correlation_is_the_concordance_over_that_of_a_uniform_map(
    sees_everything, drawn_case, noise_share
):
    maps = noise(1, 4, SIDE, SIDE)
    case = drawn_case(sees_everything, SHOTS[:4], maps)
    metric = PartCorrelation(noise=noise_share)
    per_pixel = replace(metric, per_pixel=True)
    for index, units in enumerate(units_of(case)):
        importance = units.importance(0).tolist()
        sums = [float(maps[index][region].sum()) for region in units.regions]
        own = pairs_in_order(sums, importance, noise_share)
        by_size = pairs_in_order(units.areas.tolist(), importance, noise_share)
        assert float(metric.score(case).values[index]) == pytest.approx(own - by_size, abs=1e-6)
        alone = replace(metric, over_uniform=False).score(case).values[index]
        assert float(alone) == pytest.approx(own, abs=1e-6)
        means = [float(maps[index][region].mean()) for region in units.regions]
        expected = pairs_in_order(means, importance, noise_share)  # a uniform map has 0 there
        assert float(per_pixel.score(case).values[index]) == pytest.approx(expected, abs=1e-6)


def test_without_ties_and_noise_the_concordance_is_kendalls_tau():
    for seed in range(5):
        found, importance = noise(seed, 2, 9)
        expected = stats.kendalltau(found, importance).statistic
        assert concordance(found, importance, 0) == pytest.approx(expected)


def test_every_map_that_orders_the_parts_rightly_reaches_one():
    importance = torch.tensor([5.0, -1.0, 0.1, 0.0, 2.0])
    assert concordance(importance, importance, 0.05) == 1
    assert concordance(importance**3, importance, 0.05) == 1
    assert concordance(-importance, importance, 0.05) == -1
    noisy = torch.tensor([5.0, -1.0, 0.0, 0.1, 2.0])  # two that noise cannot tell apart
    assert concordance(noisy, importance, 0.05) == 1
    assert concordance(torch.ones(5), importance, 0.05) == 0


def test_too_few_parts_or_parts_that_do_nothing_are_named_not_scored(weighted_pixels, drawn_case):
    bare = replace(SHOTS[4].scene, highlight=False, shadow=False, distractors=())
    blind = weighted_pixels(torch.zeros(2, 3, SIDE, SIDE))
    scores = PartCorrelation().score(drawn_case(blind, [SHOTS[0], Shot(bare, SIDE)]))
    assert scores.values.isnan().all()
    assert scores.reasons == (
        "no part matters more than another",
        "fewer than 4 parts and effects can be seen",
    )


def test_regions_of_things_are_widened_by_two_pixels_and_those_of_light_are_not(weighted_pixels):
    classifier = weighted_pixels(torch.zeros(2, 3, SIDE, SIDE))
    shot = Shot(SHOTS[0].scene, SIDE)
    units = units_in(classifier, shot, 224)
    drawn = redrawn(shot)
    for name, region in zip(units.names, units.regions.numpy(), strict=True):
        if name in ("highlight", "shadow"):
            continue
        seen = resized(drawn.mask(name), 224)
        rows, columns = np.nonzero(seen)
        wide = np.zeros_like(seen)
        for down, right in itertools.product(range(-2, 3), repeat=2):
            wide[np.clip(rows + down, 0, 223), np.clip(columns + right, 0, 223)] = True
        assert np.array_equal(region, wide)
    shadow = units.regions[units.names.index("shadow")].numpy()
    assert np.array_equal(shadow, resized(region_of(shot, "shadow"), 224))


def test_the_smallest_map_with_given_sums_over_overlapping_regions():
    regions = torch.zeros(3, 6, 6, dtype=torch.bool)
    regions[0, :3], regions[1, 3:], regions[2, 2:4, 1:5] = True, True, True
    values = torch.tensor([3.0, -1.0, 0.5])
    found = spread(values, regions)
    assert torch.allclose((found * regions).sum(dim=(1, 2)), values, atol=1e-5)
    assert (found[:2, 0] == found[0, 0]).all()  # equal within a cell of the overlay


# all benchmarks on single scenes: oracle at the ceiling, null baselines at chance


def test_the_oracle_reaches_the_ceiling(sees_everything, drawn_case):
    case = drawn_case(sees_everything, SHOTS, method=Oracle())
    assert (PartCorrelation(over_uniform=False).score(case).values == 1).all()
    assert (PartCorrelation(per_pixel=True).score(case).values == 1).all()
    uniform = replace(case, method=Uniform(), maps=torch.ones_like(case.maps), _kept={})
    by_size = PartCorrelation(over_uniform=False).score(uniform).values
    assert torch.allclose(PartCorrelation().score(case).values, 1 - by_size)
    for background in (False, True):
        scores = Distractibility(inert=0.3, background=background).score(case).values
        assert scores.isfinite().sum() >= 2
        assert (scores[scores.isfinite()] == 0).all()


DRAWS = range(8)


@pytest.mark.parametrize(
    "methods",
    [
        [Random(seed=seed) for seed in DRAWS],
        [Random(grain="cell", seed=seed) for seed in DRAWS],
        [CenterGaussian()],
        [Uniform()],
    ],
)
def test_null_baselines_are_at_chance_in_part_correlation(sees_everything, drawn_case, methods):
    found = []
    for method in methods:
        case = drawn_case(sees_everything, SHOTS)
        targets = torch.tensor([[0, 1]] * len(SHOTS))
        maps = method.attribute(case.batch, targets)
        for target in (0, 1):
            own = maps[:, target]
            case = drawn_case(sees_everything, SHOTS, own, targets=[target] * len(SHOTS))
            found += PartCorrelation().score(case).values.tolist()
    defined = [value for value in found if value == value]
    assert len(defined) == 16 * len(methods)
    # two standard errors
    assert abs(np.mean(defined)) <= 2 * np.std(defined) / np.sqrt(len(defined))


def every_order(case, metric):
    """The score of each choice of a first and a second thing, by brute force: one image."""
    (units,) = units_of(case)
    maps = units.things().regions.float()
    return {
        (first, second): float(
            metric.score(
                replace(case, maps=(2 * maps[first] + maps[second])[None], _kept={})
            ).values
        )
        for first, second in itertools.permutations(range(len(maps)), 2)
    }


@pytest.mark.parametrize("metric", [Sufficiency(), Necessity()])
def test_orders_of_parts_are_scored_by_drawing_the_scenes(sees_everything, drawn_case, metric):
    for shot in SHOTS[:3]:
        case = drawn_case(sees_everything, [shot])
        things = units_of(case)[0].things()
        scores = every_order(case, metric)
        for order, score in list(scores.items())[:2]:
            names = [things.names[p] for p in order]
            pictures = [only(shot.scene, names[:k]) for k in (1, 2)]
            if metric.name == "necessity":
                pictures = [
                    without(shot.scene, names[0]),
                    without(without(shot.scene, names[0]), names[1]),
                    shot.scene,
                ]
            drawn = [sees_everything.prepare(render(scene, SIDE).image) for scene in pictures]
            p = sees_everything.logits(torch.stack(drawn)).softmax(dim=1)[:, 0]
            expected = p.mean() if metric.name == "sufficiency" else p[2] - p[:2].mean()
            assert score == pytest.approx(float(expected), abs=1e-5)


def knows_the_parts(weighted_pixels, shot: Shot, worth: dict[str, float], categories=("a", "b")):
    """A model for one scene whose first class score adds up what each part is worth.

    The weights of a part are its image less that of the scene without it, on its pixels.
    """
    drawn = redrawn(shot)
    weights = torch.zeros(len(categories), 3, SIDE, SIDE)
    for name, value in worth.items():
        left = redrawn(shot.of(without(shot.scene, name))).image
        template = torch.from_numpy(drawn.image / 255.0 - left / 255.0).permute(2, 0, 1)
        template = template * torch.from_numpy(drawn.mask(name))
        weights[categories.index(name) if name in categories else 0] += (
            value * template / (template**2).sum().clamp(min=1e-3)
        ).float()
    return weighted_pixels(weights, categories)


@pytest.mark.parametrize("metric", [Sufficiency(), Necessity()])
def test_the_oracle_is_near_the_best_order_and_random_maps_near_the_mean(
    weighted_pixels, drawn_case, metric
):
    reached, by_chance, expected = [], [], []
    for seed, shot in enumerate(SHOTS[:4]):
        random = np.random.default_rng(seed)
        parts = [n for n in removable_units(shot.scene) if n not in ("highlight", "shadow")]
        worth = {name: float(random.uniform(0.2, 3)) for name in parts}
        classifier = knows_the_parts(weighted_pixels, shot, worth)
        case = drawn_case(classifier, [shot])
        scores = np.array(list(every_order(case, metric).values()))
        oracle = float(metric.score(drawn_case(classifier, [shot], method=Oracle())).values)
        reached.append((oracle - scores.min()) / (scores.max() - scores.min()))
        found = [
            float(metric.score(replace(case, maps=noise(seed, 1, SIDE, SIDE), _kept={})).values)
            for seed in range(30)
        ]
        by_chance.append(np.mean(found))
        expected.append(scores.mean())
    # things shade each other: what one is worth alone is not quite what its removal costs
    assert np.mean(reached) > (0.95 if metric.name == "necessity" else 0.9)
    # means of noise vary more over small parts, so their order is not drawn quite evenly
    assert np.mean(by_chance) == pytest.approx(np.mean(expected), abs=0.06)


@pytest.mark.parametrize("metric", [Sufficiency(per_pixel=False), Necessity(per_pixel=False)])
def test_parts_can_be_ordered_by_sums_instead(sees_everything, drawn_case, metric):
    (units,) = units_of(drawn_case(sees_everything, SHOTS[:1]))
    things = units.things()
    dense, large = int(things.areas.argmin()), int(things.areas.argmax())
    maps = 2.0 * things.regions[dense] + things.regions[large]
    case = drawn_case(sees_everything, SHOTS[:1], maps[None])
    by_mean = replace(metric, per_pixel=True, parts=1), dense
    for chosen, first in ((replace(metric, parts=1), large), by_mean):
        only_first = things.regions[first].float()[None]
        expected = chosen.score(replace(case, maps=only_first, _kept={})).values
        assert torch.equal(chosen.score(case).values, expected)


# distractibility


def sees_one_part(weighted_pixels, shot, weight=1.0):
    """A model whose first class score is the light on the apple's body times `weight`."""
    body = torch.from_numpy(redrawn(shot).mask("apple.body")).float()
    return weighted_pixels(torch.stack([weight * body.expand(3, -1, -1), torch.zeros(3, 48, 48)]))


def test_attribution_on_what_does_nothing_is_counted(weighted_pixels, drawn_case):
    shot = SHOTS[0]
    classifier = sees_one_part(weighted_pixels, shot)
    (units,) = units_of(drawn_case(classifier, [shot]))
    things = units.things()
    assert {"apple.body", "distractor.0"} <= set(things.names)
    # what stands behind the body or shades it lets its light change, too
    lost = things.importance(0)
    active = things.regions[lost >= 0.1 * lost.max()].any(dim=0)
    body = things.regions[things.names.index("apple.body")]
    other = things.regions[things.names.index("distractor.0")]
    behind = ~things.regions.any(dim=0)
    assert bool((active & body).any())
    assert not bool((active & other).any())

    def score(values: Tensor, background: bool = False) -> float:
        case = drawn_case(classifier, [shot], values[None].float())
        return float(Distractibility(background=background).score(case).values)

    assert score(active) == score(active, True) == 0
    assert score(other) == 1
    assert score(active + 5.0 * behind) == 0  # the background has a column of its own
    assert score(3.0 * active + other) == pytest.approx(
        int(other.sum()) / int(other.sum() + 3 * active.sum())
    )
    assert score(3.0 * active + behind, True) == pytest.approx(
        int(behind.sum()) / int(behind.sum() + 3 * active.sum())
    )
    assert score(active + 5.0 * other, True) == 0
    idle = things.regions.any(dim=0) & ~active
    assert score(torch.ones(SIDE, SIDE)) == pytest.approx(float(idle.sum() / (~behind).sum()))


def test_what_speaks_against_the_class_is_no_evidence_for_it(weighted_pixels, drawn_case):
    """Of two things with effects of equal size, the one that lowers the score is idle."""
    shot = SHOTS[0]
    classifier = knows_the_parts(weighted_pixels, shot, {"apple.body": 1.0, "distractor.0": -1.0})
    (units,) = units_of(drawn_case(classifier, [shot]))
    things = units.things()
    against = things.names.index("distractor.0")
    assert float(things.importance(0)[against]) < -0.5
    region = things.regions[against][None].float()
    assert float(Distractibility().score(drawn_case(classifier, [shot], region)).values) == 1
    contrary = sees_one_part(weighted_pixels, shot, -1.0)
    scores = Distractibility().score(drawn_case(contrary, [shot], region))
    largest = units_of(drawn_case(contrary, [shot]))[0].things().importance(0).max()
    assert scores.reasons == (("",) if largest > 0 else ("no part supports the class",))


def test_a_background_counts_where_other_floors_and_walls_cost_nothing(weighted_pixels, drawn_case):
    shot = SHOTS[0]
    behind = torch.from_numpy(redrawn(shot).part_ids == 0).float()
    light = [float((render(s.scene, SIDE).image / 255 * behind[..., None].numpy()).sum())
             for s in (shot, *other_backgrounds(shot))]  # fmt: skip
    lost = light[0] - np.mean(light[1:])
    assert abs(lost) > 20
    body = knows_the_parts(weighted_pixels, shot, {"apple.body": 30.0}).network.fc.weight
    for effect, reason in ((5, "the background supports the class"), (-5, "")):
        weights = body.detach().view(2, 3, SIDE, SIDE).clone()
        weights[0] += float(effect / lost) * behind
        classifier = weighted_pixels(weights)
        case = drawn_case(classifier, [shot], torch.ones(1, SIDE, SIDE))
        largest = units_of(case)[0].things().importance(0).max()
        assert 0 < 0.1 * largest < 5
        assert Distractibility(background=True).score(case).reasons == (reason,)


def test_other_backgrounds_keep_the_things_where_they_are():
    shot = SHOTS[2]
    for other in other_backgrounds(shot):
        assert other.scene.floor != shot.scene.floor
        assert other.scene.fruits == shot.scene.fruits
        assert np.array_equal(redrawn(other).part_ids, redrawn(shot).part_ids)


# target sensitivity


@dataclass(frozen=True)
class Follows(Uniform):
    """A map of the first fruit for class 0 and of the second for class 1 (or the reverse)."""

    name: ClassVar[str] = "follows"
    right: ClassVar[bool] = True
    shots: ClassVar[list[Shot]] = []

    def _maps(self, batch, targets, diagnostics):
        maps = []
        for shot, classes in zip(self.shots, targets, strict=True):
            masks = [redrawn(shot).mask(fruit.name) for fruit in shot.scene.fruits]
            order = classes.tolist() if self.right else [1 - c for c in classes.tolist()]
            maps.append(torch.stack([torch.from_numpy(masks[c]).float() for c in order]))
        return torch.stack(maps)


class FollowsWrongly(Follows):
    right: ClassVar[bool] = False


PAIRS = [Shot(sample_pair("apple", "lemon", 2, seed), SIDE) for seed in (0, 1)]


@pytest.fixture
def tells_fruits_apart(weighted_pixels):
    fruits = ("apple", "lemon")
    return knows_the_parts(weighted_pixels, PAIRS[0], dict.fromkeys(fruits, 1.0), fruits)


def test_target_sensitivity_is_one_minus_one_or_nothing(
    tells_fruits_apart, drawn_case, monkeypatch
):
    shots = PAIRS[:1]
    monkeypatch.setattr(Follows, "shots", shots)
    masks = torch.from_numpy(redrawn(shots[0]).mask("apple"))[None]

    def score(method):
        batch = drawn_case(tells_fruits_apart, shots).batch
        maps = method.attribute(batch, torch.tensor([[0]]))[:, 0]
        case = drawn_case(tells_fruits_apart, shots, maps, method, masks=masks)
        scores = TargetSensitivity().score(case)
        assert scores.reasons == ("",)
        return float(scores.values)

    assert score(Follows()) == 1
    assert score(FollowsWrongly()) == -1
    assert score(Oracle()) == 1
    for null in (Uniform(), Random(), CenterGaussian()):
        assert score(null) == 0


def test_both_maps_are_made_where_the_predicted_class_is_neither(
    tells_fruits_apart, drawn_case, monkeypatch
):
    monkeypatch.setattr(Follows, "shots", PAIRS[:1])
    masks = torch.from_numpy(redrawn(PAIRS[0]).mask("apple"))[None]
    case = drawn_case(tells_fruits_apart, PAIRS[:1], None, Follows(), [1], masks)
    assert float(TargetSensitivity().score(case).values) == 1


def test_a_scene_in_which_a_class_rests_on_the_other_fruit_does_not_count(
    weighted_pixels, drawn_case
):
    indifferent = weighted_pixels(torch.zeros(2, 3, SIDE, SIDE), ("apple", "lemon"))
    masks = torch.ones(1, SIDE, SIDE, dtype=torch.bool)
    scores = TargetSensitivity().score(drawn_case(indifferent, PAIRS[:1], masks=masks))
    assert scores.reasons == ("a class score rests more on the other fruit",)
    scores = TargetSensitivity().score(drawn_case(indifferent, SHOTS[:1], masks=masks))
    assert scores.reasons == ("needs a scene with two fruits the model knows",)


def test_importance_both_ways_is_the_mean_of_removing_and_of_adding(sees_everything, drawn_case):
    case = drawn_case(sees_everything, SHOTS[:2], targets=[1, 0])
    for units, shot, target in zip(units_of(case), SHOTS, (1, 0), strict=False):
        things = units.things()
        found = importance_both_ways(sees_everything, things, target)

        def score(scene, target=target):
            image = sees_everything.prepare(render(scene, SIDE).image)
            return float(sees_everything.logits(image[None])[0, target])

        empty = score(only(shot.scene, ()))
        for name, value in zip(things.names, found.tolist(), strict=True):
            lost = score(shot.scene) - score(without(shot.scene, name))
            gained = score(only(shot.scene, [name])) - empty
            assert value == pytest.approx((lost + gained) / 2, abs=1e-4)


def test_the_oracle_of_both_ways_orders_every_pair_rightly(sees_everything, drawn_case):
    metric = PartCorrelation(both_ways=True, over_uniform=False)
    scores = metric.score(drawn_case(sees_everything, SHOTS[:4], method=Oracle()))
    defined = scores.values[scores.values.isfinite()]
    assert len(defined) >= 1
    assert (defined == 1).all()


VARIETIES = [Shot(sample_variety(1 + n % 4, n), SIDE) for n in range(4)]


def test_the_oracle_orders_the_parts_of_varieties_and_all_it_needs_is_drawn_ahead(
    sees_everything, drawn_case, monkeypatch
):
    metric = PartCorrelation(scenes="variety", both_ways=True, over_uniform=False)
    assert metric.asked_on == "varieties"
    asked = []

    def answer(classifier, shots):
        asked.extend(shots)
        return logits_of_shots(classifier, shots)

    monkeypatch.setattr(_units, "logits_of_shots", answer)
    units_in.cache_clear()
    scores = metric.score(drawn_case(sees_everything, VARIETIES, method=Oracle()))
    assert (scores.values == 1).all()
    assert set(asked) <= {shot for own in VARIETIES for shot in metric.shots(own)}


def test_results_on_single_fruits_keep_their_keys():
    """As they were before there were varieties: the new setting stands at its default."""
    for benchmark in (PartCorrelation, Sufficiency, Necessity, Distractibility):
        assert benchmark().asked_on == "scenes"
        later = {"scenes", "both_ways"}
        kept = {k: v for k, v in benchmark().settings().items() if k not in later}
        former = key_of(benchmark.name, benchmark.revision, kept, {})
        assert benchmark().key() == former != benchmark(scenes="variety").key()


# target localisation

TABLES = [Shot(sample_table(2, seed), SIDE) for seed in (4, 10, 11)]


class OnTheNext(Uniform):
    """For each class a map of the fruit of the next class, of `shot`."""

    name: ClassVar[str] = "on_the_next"
    shot: ClassVar[Shot] = TABLES[0]
    step: ClassVar[int] = 1

    def _maps(self, batch, targets, diagnostics):
        fruits = [fruit.name for fruit in self.shot.scene.fruits]
        masks = torch.stack([torch.from_numpy(redrawn(self.shot).mask(name)) for name in fruits])
        return masks[(targets + self.step) % len(fruits)].float()


class OnTheAsked(OnTheNext):
    step: ClassVar[int] = 0


@pytest.mark.parametrize("shot", TABLES)
def test_target_localisation_is_one_for_the_fruit_asked_for_and_chance_without_a_class(
    weighted_pixels, drawn_case, monkeypatch, shot
):
    monkeypatch.setattr(OnTheNext, "shot", shot)
    fruits = shot.scene.classes
    classifier = knows_the_parts(weighted_pixels, shot, dict.fromkeys(fruits, 1.0), fruits)

    def score(method):
        scores = TargetLocalisation().score(drawn_case(classifier, [shot], method=method))
        assert scores.reasons == ("",)
        return float(scores.values)

    assert score(Oracle()) == 1
    assert score(OnTheAsked()) == 1
    assert score(OnTheNext()) == 0
    for null in (Uniform(), CenterGaussian()):
        # the same map for every class: its shares on the fruits add up to 1
        assert score(null) == pytest.approx(1 / len(fruits), abs=1e-6)


def test_target_localisation_needs_scores_that_rest_on_their_own_fruits(
    weighted_pixels, drawn_case
):
    fruits = TABLES[0].scene.classes
    indifferent = weighted_pixels(torch.zeros(len(fruits), 3, SIDE, SIDE), fruits)
    scores = TargetLocalisation().score(drawn_case(indifferent, TABLES[:1]))
    assert scores.reasons == ("a class score rests more on another fruit",)
    scores = TargetLocalisation().score(drawn_case(indifferent, SHOTS[:1]))
    assert scores.reasons == ("needs a scene with several fruits that the model knows",)


# grid pointing


def test_grid_pointing_is_the_share_in_the_right_cell(sees_everything, drawn_case):
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.bool)
    for index, (rows, columns) in enumerate(itertools.product((0, 24), (0, 24))):
        masks[index, rows : rows + 24, columns : columns + 24] = True
    metric = GridPointing()

    def scores(maps, method=None):
        return metric.score(
            drawn_case(sees_everything, SHOTS[:4], maps, method, masks=masks)
        ).values

    assert (scores(masks.float()) == 1).all()
    assert (scores(None, Oracle()) == 1).all()
    assert (scores(torch.ones(4, SIDE, SIDE)) == 0.25).all()
    assert scores(torch.rand(4, SIDE, SIDE)).tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert scores(-masks.float()).isnan().all()
    assert scores(masks.float() - 2 * (~masks).float()).tolist() == [1] * 4
    assert float(scores(noise(0, 4, SIDE, SIDE).abs())[0]) == pytest.approx(0.25, abs=0.05)


# shortcut contrast


def test_the_mean_of_the_contrast_is_the_auroc():
    random = np.random.default_rng(0)
    shortcut = np.round(random.normal(0.4, 0.2, 40), 1)  # rounded: with ties
    control = np.round(random.normal(0.2, 0.2, 40), 1)
    auroc = stats.mannwhitneyu(shortcut, control).statistic / 40**2
    assert contrast(shortcut, control).mean() == pytest.approx(auroc)
    assert contrast(control, shortcut).mean() == pytest.approx(1 - auroc)


def test_contrast_extremes_and_undefined_shares():
    low, high = np.array([0.0, 0.1, 0.2]), np.array([0.5, 0.6, 0.7])
    assert contrast(high, low).tolist() == [1, 1, 1]
    assert contrast(low, high).tolist() == [0, 0, 0]
    assert contrast(low, low).mean() == 0.5
    some = contrast(np.array([0.5, np.nan, 0.7]), low)
    assert np.isnan(some[1])
    assert some[[0, 2]].tolist() == [1, 1]
    assert np.isnan(contrast(np.full(3, np.nan), low)).all()


@pytest.mark.parametrize(("gain", "shared"), [(0.5, 0.0), (1.0, 0.5), (1.5, 0.5)])
def test_intervals_and_tests_of_the_contrast_hold(gain, shared):
    """600 simulated runs of 32 images: shares are normal, `shared` of their variance is the image's
    own, and the mean on the shortcut model is `gain` standard deviations above the control's.
    """
    random = np.random.default_rng(int(10 * gain))

    def run():
        """The scores of one method; another call gives one that is as good."""
        own = random.normal(0, shared**0.5, 32)
        noise = random.normal(0, (1 - shared) ** 0.5, (2, 32))
        return contrast(gain + own + noise[0], own + noise[1])

    truth = stats.norm.cdf(gain / 2**0.5)
    low, high = bca_interval(np.stack([run() for _ in range(600)], axis=1)).T
    assert 0.90 <= np.mean((low <= truth) & (truth <= high)) <= 0.97
    pairs = [pd.DataFrame({"a": run(), "b": run()}) for _ in range(600)]
    p_values = [pairwise_wilcoxon(pair, True)["p_value"].iloc[0] for pair in pairs]
    assert np.mean(np.array(p_values) < 0.05) <= 0.07


def test_the_oracle_separates_the_network_that_uses_the_sticker(weighted_pixels, drawn_case):
    methods = [Oracle(), Uniform(), Random(), CenterGaussian()]
    shares: dict[tuple[str, float], list[float]] = {}
    for seed, sticker in itertools.product(range(4), (1.0, 0.0)):
        scene = sample_scene("orange", 2, seed, Sticker(seed % 4, "on"))
        shot = Shot(scene, SIDE)
        masks = torch.from_numpy(redrawn(shot).mask("sticker"))[None]
        worth = {"orange.body": 1.0, "sticker": sticker}
        classifier = knows_the_parts(weighted_pixels, shot, worth)
        for method in methods:
            case = drawn_case(classifier, [shot])
            maps = method.attribute(case.batch, torch.zeros(1, 1).long())[:, 0]
            case = drawn_case(classifier, [shot], maps, method, masks=masks)
            value = ShortcutContrast().score(case).values
            shares.setdefault((method.name, sticker), []).append(float(value))
    for method in methods:
        scores = contrast(np.array(shares[method.name, 1.0]), np.array(shares[method.name, 0.0]))
        assert scores.mean() == (1 if method.knows_truth else 0.5)


# what holds for all


@pytest.mark.parametrize("name", BENCHMARKS)
def test_scores_ignore_the_scale_of_maps_and_leave_them_alone(
    name, sees_everything, drawn_case, tells_fruits_apart
):
    metric = BENCHMARKS[name]()
    pair = name in ("target_sensitivity", "target_localisation")
    shots, classifier = (
        (PAIRS[:1] * 2, tells_fruits_apart) if pair else (SHOTS[:2], sees_everything)
    )
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
    masks[:, 10:30, 10:30] = True
    maps = noise(8, 2, SIDE, SIDE)
    before = maps.clone()
    first = metric.score(drawn_case(classifier, shots, maps, masks=masks))
    assert torch.equal(maps, before)
    second = metric.score(drawn_case(classifier, shots, maps * 1000, masks=masks))
    assert first.values.shape == (2,)
    assert len(first.reasons) == 2
    assert torch.allclose(first.values, second.values, atol=1e-6, equal_nan=True)
    low, high = metric.bounds
    defined = first.values[first.values.isfinite()]
    assert ((low <= defined) & (defined <= high)).all()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_data_set_without_scenes_or_masks_is_refused(name, sees_everything, drawn_case):
    case = drawn_case(sees_everything, SHOTS[:1])
    with pytest.raises(ValueError, match=r"needs (masks|scenes)"):
        BENCHMARKS[name]().score(replace(case, shots=None, _kept={}))


def test_ties_are_broken_by_the_picture_alone():
    sums = torch.tensor([0.0, 2.0, 0.0, 0.0, 1.0])
    order = most_first(sums, "ab")
    assert order[:2] == [1, 4]
    assert most_first(sums, "ab") == order
    assert len({tuple(most_first(sums, f"{i}")) for i in range(40)}) == 6
