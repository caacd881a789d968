"""Faithfulness metrics against slow re-implementations and models whose answer is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from tests.metrics.conftest import SIDE, World, cell_weights, fixed
from xai_core.images.superpixels import Slic
from xai_core.methods import METHODS, Method
from xai_core.metrics import METRICS, Case
from xai_core.metrics._curves import removal_curve
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import load_imputer

MakeWorld = Callable[[], World]
MakeBatch = Callable[[Classifier], Batch]


def slow_curve(case: Case, order: str, imputer: str, steps: int, index: int) -> list[float]:
    """One image at a time, one pixel at a time, as the papers describe it."""
    batch = case.batch
    ranks = case.ranks[index].tolist()
    pixels = len(ranks)
    by_rank = sorted(range(pixels), key=lambda pixel: ranks[pixel], reverse=order == "lerf")
    fill = load_imputer(imputer).baseline(batch.images, batch.classifier)[index]
    values = []
    for step in range(steps + 1):
        image = batch.images[index].clone()
        for pixel in by_rank[: round(step * pixels / steps)]:
            row, column = divmod(pixel, image.shape[2])
            image[:, row, column] = fill[:, row, column]
        with torch.no_grad():
            logits = batch.classifier.logits(image[None])
        values.append(float(logits.softmax(1)[0, case.targets[index]]))
    return values


@pytest.mark.parametrize(("order", "imputer"), [("morf", "zero"), ("lerf", "blur")])
def test_curves_equal_a_slow_loop(
    order: str, imputer: str, tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    method = METHODS["cam"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    case = Case(batch, batch.predicted, maps, method)
    curve = removal_curve(case, order, load_imputer(imputer), 5)  # type: ignore[arg-type]
    slow = slow_curve(case, order, imputer, 5, 2)
    np.testing.assert_allclose(curve.values[2].numpy(), slow, atol=1e-6)
    area = sum((a + b) / 2 for a, b in itertools.pairwise(slow)) / 5
    assert float(curve.area[2]) == pytest.approx(area, abs=1e-6)


def test_the_order_of_the_metrics_changes_nothing(make_world: MakeWorld) -> None:
    names = ("deletion", "insertion", "symmetric_relevance_gain")
    worlds = make_world(), make_world()
    shared, alone = worlds[0].case(worlds[0].random), make_world
    for name in names:
        together = METRICS[name]().score(shared).values
        world = alone()
        assert torch.equal(together, METRICS[name]().score(world.case(world.random)).values)


def test_deletion_and_insertion_meet_their_analytic_areas(make_world: MakeWorld) -> None:
    """Removing the evidence in order of weight: the logit falls along the sorted weights."""
    world = make_world()
    steps = 16  # one cell of 64 pixels each
    per_cell = world.evidence[0, ::8, ::8].flatten().double() * 64
    falling = torch.cat([torch.zeros(1).double(), per_cell.sort(descending=True).values.cumsum(0)])
    points = torch.sigmoid(per_cell.sum() - falling)
    expected = float(torch.trapezoid(points, dx=1 / 16))
    deletion = METRICS["deletion"](steps=steps).score(world.case(world.evidence))
    assert float(deletion.values[0]) == pytest.approx(expected, abs=1e-5)
    rising = torch.sigmoid(falling)
    insertion = METRICS["insertion"](steps=steps, imputer="zero").score(world.case(world.evidence))
    assert float(insertion.values[0]) == pytest.approx(
        float(torch.trapezoid(rising, dx=1 / 16)), abs=1e-5
    )
    gain = METRICS["symmetric_relevance_gain"](steps=steps)
    forwards = gain.score(world.case(world.evidence)).values
    torch.testing.assert_close(gain.score(world.case(-world.evidence)).values, -forwards)


def test_a_single_pixel_network_has_its_known_best_and_worst(make_world: MakeWorld) -> None:
    world = make_world()
    pixel = torch.zeros(1, SIDE, SIDE)
    pixel[0, 5, 9] = 1.0
    network = world.batch.classifier.private_copy()
    with torch.no_grad():
        weight = torch.zeros(2, 3, SIDE, SIDE)
        weight[0, :, 5, 9] = 2.0
        network.fc.weight = torch.nn.Parameter(weight.flatten(1))  # type: ignore[union-attr]
    classifier = Classifier.of(network, ("yes", "no"), form=world.batch.classifier.form)
    batch = Batch(classifier, torch.ones(1, 3, SIDE, SIDE), ["a"])
    targets = torch.zeros(1, dtype=torch.int64)
    start, end = 1 / (1 + math.exp(-6)), 0.5
    pixels = SIDE * SIDE
    deletion = METRICS["deletion"](steps=512)  # two pixels a step
    best = deletion.score(Case(batch, targets, pixel, fixed(pixel))).values
    worst = deletion.score(Case(batch, targets, -pixel, fixed(-pixel))).values
    assert float(best[0]) == pytest.approx(end + (start - end) / pixels, abs=1e-6)
    assert float(worst[0]) == pytest.approx(start - (start - end) / pixels, abs=1e-6)


def test_exact_counts_are_removed_from_piecewise_constant_maps(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    for name in ("secam", "lime"):
        method = METHODS[name](**({"samples": 20} if name == "lime" else {}))
        maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
        case = Case(batch, batch.predicted, maps, method)
        scores = METRICS["deletion"](steps=10).score(case)
        assert scores.fractions is not None
        wanted = [round(step * 4096 / 10) / 4096 for step in range(11)]
        assert scores.fractions.tolist() == pytest.approx(wanted)
        for step in range(11):
            removed = (case.ranks < round(step * 4096 / 10)).sum(dim=1)
            assert removed.tolist() == [round(step * 4096 / 10)] * 4


def test_ties_break_alike_for_all_methods_and_batches(make_world: MakeWorld) -> None:
    world = make_world()
    flat = torch.ones_like(world.evidence)
    alone = world.batch.part(1)
    case = Case(alone, torch.zeros(1, dtype=torch.int64), flat[:1] * 3, fixed(flat[:1]))
    assert torch.equal(case.ranks[0], world.case(flat).ranks[1])
    assert not torch.equal(world.case(flat).ranks[0], world.case(flat).ranks[1])


def test_single_deletion_equals_scipy_and_finds_the_cells(make_world: MakeWorld) -> None:
    world = make_world()
    metric = METRICS["single_deletion"]()
    assert metric.score(world.case(world.evidence)).values.tolist() == pytest.approx([1.0] * 3)
    assert metric.score(world.case(-world.evidence)).values.tolist() == pytest.approx([-1.0] * 3)
    maps = world.random
    sums = maps.view(3, 4, 8, 4, 8).sum(dim=(2, 4)).flatten(1)
    weights = cell_weights()[::8, ::8].flatten()
    expected = [stats.spearmanr(row, weights).statistic for row in sums]
    assert metric.score(world.case(maps)).values.tolist() == pytest.approx(expected, abs=1e-5)
    flat = metric.score(world.case(torch.ones_like(maps)))
    assert bool(flat.values.isnan().all())
    assert "same for all cells" in flat.reasons[0]


def test_irof_equals_a_slow_loop(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> None:
    batch = tiny_batch(tiny_classifier)
    maps = torch.rand(4, 64, 64, generator=torch.Generator().manual_seed(3))
    case = Case(batch, batch.predicted, maps, fixed(maps))
    scores = METRICS["irof"](segments=12).score(case)
    segments = batch.segments(Slic(12, 10.0))
    for index in (0, 3):
        labels = segments[index]
        order = sorted(
            range(int(labels.max()) + 1),
            key=lambda label, labels=labels, index=index: (
                -float(  # type: ignore[misc]
                    maps[index][labels == label].double().mean()
                )
            ),
        )
        image = batch.images[index].clone()
        fill = image.mean(dim=(1, 2))
        losses = []
        for label in order:
            image[:, labels == label] = fill[:, None]
            with torch.no_grad():
                left = tiny_classifier.logits(image[None]).softmax(1)[0, case.targets[index]]
            losses.append(1 - float(left) / float(case.start[index]))
        assert float(scores.values[index]) == pytest.approx(np.mean(losses), abs=1e-5)


def test_explanation_images_are_scored_as_written_down(make_world: MakeWorld) -> None:
    world = make_world()
    maps = world.random - 0.3
    weights = maps.clamp(min=0) / maps.amax(dim=(1, 2), keepdim=True)
    before = torch.sigmoid(world.evidence.sum(dim=(1, 2)))
    after = torch.sigmoid((world.evidence * weights).sum(dim=(1, 2)))
    drop = METRICS["average_drop"]().score(world.case(maps)).values
    torch.testing.assert_close(drop, (before - after).clamp(min=0) / before, rtol=0, atol=1e-5)
    helpful = (world.evidence > 0).float()
    surer = torch.sigmoid((world.evidence * helpful).sum(dim=(1, 2)))
    gain = METRICS["average_gain"]().score(world.case(helpful)).values
    torch.testing.assert_close(gain, (surer - before) / (1 - before), rtol=0, atol=1e-4)
    up = METRICS["increase_in_confidence"]()
    assert up.score(world.case(helpful)).values.tolist() == [1, 1, 1]
    ones = torch.ones_like(maps)
    assert METRICS["average_drop"]().score(world.case(ones)).values.tolist() == pytest.approx(
        [0] * 3
    )
    nothing = METRICS["average_drop"]().score(world.case(-ones))
    assert set(nothing.reasons) == {"the map has no positive value"}


def unsigned(maps: torch.Tensor) -> Method:
    method = fixed(maps)
    object.__setattr__(method, "signed", False)
    return method


def test_unsigned_maps_are_scaled_from_their_minimum_to_their_maximum(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    maps = world.random
    for name in ("average_drop", "average_gain", "increase_in_confidence", "adcc"):
        metric = METRICS[name]()
        low = maps.amin(dim=(1, 2), keepdim=True)
        cut = metric.score(world.case(maps - low)).values  # signed, from zero on
        raised = maps + 5.0
        scores = metric.score(world.case(raised, unsigned(raised))).values
        torch.testing.assert_close(scores, cut, rtol=1e-4, atol=1e-5, equal_nan=True)
        ones = torch.ones_like(maps)
        constant = metric.score(world.case(ones, unsigned(ones)))
        assert bool(constant.values.isnan().all())
        assert set(constant.reasons) == {
            "the map is the same everywhere, so it cannot be scaled from 0 to 1"
        }


def test_adcc_is_the_harmonic_mean_of_its_parts(make_world: MakeWorld) -> None:
    world = make_world()
    maps = world.random
    weights = maps / maps.amax(dim=(1, 2), keepdim=True)
    drop = METRICS["average_drop"]().score(world.case(maps)).values
    complexity = weights.mean(dim=(1, 2))
    expected = 3 / (1 / 1.0 + 1 / (1 - complexity) + 1 / (1 - drop))  # a fixed map: coherency 1
    torch.testing.assert_close(METRICS["adcc"]().score(world.case(maps)).values, expected)
    constant = METRICS["adcc"]().score(world.case(torch.ones_like(maps)))
    assert bool(constant.values.isnan().all())


def test_infidelity_of_a_linear_networks_evidence_is_zero(make_world: MakeWorld) -> None:
    world = make_world()
    metric = METRICS["infidelity"]()
    assert metric.score(world.case(world.evidence * 7)).values.tolist() == pytest.approx(
        [0.0] * 3, abs=1e-8
    )
    assert bool((metric.score(world.case(world.random)).values > 1e-4).all())


def test_max_sensitivity_equals_a_slow_loop(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    method = METHODS["saliency"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    metric = METRICS["max_sensitivity"](samples=3, radius=0.1)
    ours = metric.score(Case(batch, batch.predicted, maps, method)).values
    for index in range(len(batch)):
        found = []
        for sample in range(3):
            noise = metric.noise(batch, sample)[index : index + 1]  # type: ignore[attr-defined]
            assert float(noise.abs().max()) <= 0.1
            image = batch.images[index : index + 1] + noise
            changed = Batch(tiny_classifier, image, batch.sha256s[index : index + 1])
            target = batch.predicted[index : index + 1, None]
            apart = method.attribute(changed, target)[0, 0] - maps[index]
            found.append(float(apart.norm() / maps[index].norm()))
        assert float(ours[index]) == pytest.approx(max(found), rel=1e-4)


def test_a_map_that_never_changes_is_perfectly_stable(make_world: MakeWorld) -> None:
    world = make_world()
    metric = METRICS["max_sensitivity"](samples=2)
    assert metric.score(world.case(world.evidence)).values.tolist() == [0.0, 0.0, 0.0]
    zero = metric.score(world.case(torch.zeros_like(world.evidence)))
    assert set(zero.reasons) == {"the map is zero everywhere"}


def test_bf16_changes_scores_a_little_and_nothing_else(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    scores = []
    for precision in ("fp32", "bf16"):
        batch = tiny_batch(tiny_classifier)
        batch.precision = precision  # type: ignore[assignment]
        maps = METHODS["cam"]().attribute(batch, batch.predicted[:, None])[:, 0]
        case = Case(batch, batch.predicted, maps, METHODS["cam"]())
        scores.append(METRICS["deletion"](steps=6).score(case).values)
    assert not torch.equal(*scores)
    torch.testing.assert_close(scores[0], scores[1], rtol=0, atol=0.01)
