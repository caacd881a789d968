"""LIME, KernelSHAP, occlusion and RISE: additive games, brute force, the libraries' own answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor

from tests.conftest import LinearNetwork, picture, seeded
from xai_core.images.reading import InputFormat, Photo
from xai_core.images.regions import region_sums
from xai_core.images.superpixels import Slic
from xai_core.methods._baselines import mean_colour
from xai_core.methods._surrogate import ShapleyRegression, WeightedRidge, hidden_by
from xai_core.methods.kernel_shap import KernelSHAP, _coalitions
from xai_core.methods.lime import LIME
from xai_core.methods.occlusion import Occlusion
from xai_core.methods.rise import RISE
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

MakeBatch = Callable[[Classifier], Batch]


@pytest.fixture
def linear(linear_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(linear_classifier)


@pytest.fixture
def tiny(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> Batch:
    return tiny_batch(tiny_classifier)


def shares_of_superpixels(batch: Batch, targets: Tensor, slic: Slic) -> Tensor:
    """What each superpixel adds to a linear model's logit, painted on its pixels."""
    segments = batch.segments(slic)
    weights = batch.classifier.network.fc.weight[targets].view(*targets.shape, 3, 32, 32)
    maps = []
    for index in range(len(batch)):
        image, regions = batch.images[index : index + 1], segments[index : index + 1]
        change = image - hidden_by("region", image, regions, batch.classifier)
        per_pixel = (weights[index] * change).sum(dim=1)
        sums, _ = region_sums(per_pixel[None], regions)
        maps.append(sums[0][:, regions[0]])
    return torch.stack(maps)


def test_weighted_ridge_is_scikit_learns() -> None:
    random = torch.Generator().manual_seed(0)
    z = torch.randint(2, (60, 9), generator=random)
    y, p = torch.randn(60, generator=random), torch.rand(60, generator=random)
    ours = WeightedRidge(0.7)
    ours.fit([(z, y, p)])
    theirs = Ridge(alpha=0.7).fit(z.numpy(), y.numpy(), sample_weight=p.numpy())
    assert np.allclose(ours.representation()[0].numpy(), theirs.coef_, atol=1e-5)
    assert ours.r2 == pytest.approx(theirs.score(z.numpy(), y.numpy(), p.numpy()), abs=1e-5)


def test_lime_finds_the_shares_of_a_linear_network(linear: Batch) -> None:
    targets = linear.top(2)
    found: dict[str, Tensor] = {}
    method = LIME(samples=200, segments=12, ridge=0.0001, output="logit")
    maps = method.attribute(linear, targets, found)
    expected = shares_of_superpixels(linear, targets, Slic(12))
    assert torch.allclose(maps, expected, atol=1e-4)
    assert float(found["r2"].min()) > 0.9999


def test_lime_weighs_pictures_with_more_shown_more() -> None:
    z = torch.tensor([[1, 1, 1, 1]]), torch.tensor([[1, 1, 0, 0]]), torch.tensor([[0, 0, 0, 0]])
    weights = [float(LIME()._similarity(torch.empty(0), torch.empty(0), one)) for one in z]
    slow = [math.exp(-((1 - math.sqrt(shown)) ** 2) / (2 * 0.25**2)) for shown in (1.0, 0.5, 0.0)]
    assert weights == pytest.approx(slow)


def test_lime_repeats_with_its_seed_and_settles_with_samples(tiny: Batch) -> None:
    part = tiny.part(0)

    def correlation(samples: int) -> float:
        maps = [
            LIME(samples=samples, segments=10, seed=seed).attribute(part, part.top(1)).flatten()
            for seed in (0, 1)
        ]
        return float(torch.corrcoef(torch.stack(maps))[0, 1])

    assert correlation(300) > 0.9
    assert correlation(300) > correlation(12)
    again = [LIME(samples=20, segments=10).attribute(part, part.top(1)) for _ in range(2)]
    assert torch.equal(*again)


def test_classes_share_the_perturbed_passes(
    tiny: Batch, tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = []

    def counted(self: Classifier, images: Tensor) -> Tensor:
        passed.append(len(images))
        return self.network(images)

    monkeypatch.setattr(Classifier, "logits", counted)
    part = tiny.part(0)
    for method in (
        LIME(samples=20, segments=10),
        KernelSHAP(samples=20, segments=10),
        RISE(samples=20),
        Occlusion(window=0.25, stride=1.0),
    ):
        passed.clear()
        method.attribute(part, part.top(4))
        assert sum(passed) == method.passes(tiny_classifier)


def test_shapley_regression_solves_an_additive_game() -> None:
    random = torch.Generator().manual_seed(0)
    shares = torch.randn(8, generator=random, dtype=torch.double)
    draw = _coalitions(random)(torch.empty(0), 8)
    z = torch.cat([next(draw) for _ in range(60)])
    surrogate = ShapleyRegression()
    surrogate.fit([(z, z.double() @ shares + 3, torch.ones(60))])
    assert torch.allclose(surrogate.representation()[0], shares.float(), atol=1e-6)
    assert surrogate.efficiency_error < 1e-6


def exact_shapley_values(value: Callable[[Tensor], float], count: int) -> Tensor:
    """The mean contribution of each player over all orders in which they may come."""
    shares = torch.zeros(count, dtype=torch.double)
    orders = list(itertools.permutations(range(count)))
    for order in orders:
        z = torch.zeros(count)
        for player in order:
            before = value(z)
            z[player] = 1
            shares[player] += (value(z) - before) / len(orders)
    return shares


def test_shapley_regression_of_all_coalitions_gives_exact_shapley_values() -> None:
    random = torch.Generator().manual_seed(1)
    alone, pairs = torch.randn(5, generator=random), torch.randn(5, 5, generator=random)

    def value(z: Tensor) -> float:
        return float(alone @ z + z @ pairs @ z)

    z = torch.tensor(list(itertools.product((0.0, 1.0), repeat=5)))
    # The Shapley kernel 4 / (C(5, s) s (5 - s)) is 1/5 for one or four players, 1/15 otherwise.
    weighted = [
        row for row in z for _ in range({0: 0, 1: 3, 2: 1, 3: 1, 4: 3, 5: 0}[int(row.sum())])
    ]
    z = torch.stack([torch.ones(5), torch.zeros(5), *weighted])
    surrogate = ShapleyRegression()
    surrogate.fit([(z, torch.tensor([value(row) for row in z]), torch.ones(len(z)))])
    exact = exact_shapley_values(value, 5)
    assert torch.allclose(surrogate.representation()[0], exact.float(), atol=1e-5)


def test_shapley_regression_of_few_coalitions_favours_no_superpixel() -> None:
    """A player's place in the list changes nothing: all shrink to equal shares by one factor."""
    random = torch.Generator().manual_seed(0)
    count, samples, times = 50, 20, 300
    shares = torch.rand(count, generator=random, dtype=torch.double)
    moved = torch.randperm(count, generator=random)
    found = torch.zeros(count, dtype=torch.double)
    for _ in range(times):
        draw = _coalitions(random)(torch.empty(0), count)
        z = torch.cat([next(draw) for _ in range(samples)])
        y = z.double() @ shares
        one, other, equal = (ShapleyRegression() for _ in range(3))
        one.fit([(z, y, y)])
        other.fit([(z[:, moved], y, y)])
        equal.fit([(z, z.double().sum(dim=1), y)])
        values = one.representation()[0]
        assert torch.allclose(other.representation()[0], values[moved], atol=1e-5)
        assert torch.allclose(equal.representation(), torch.ones(1, count), atol=1e-5)
        assert float(values.sum()) == pytest.approx(float(shares.sum()), abs=1e-4)
        found += values / times
    # 18 random directions of 49 are seen; 0.04 is five standard errors of 300 draws.
    expected = shares.mean() + 18 / 49 * (shares - shares.mean())
    assert float((found - expected).abs().max()) < 0.04


def test_coalitions_follow_the_shapley_kernel() -> None:
    draw = _coalitions(torch.Generator().manual_seed(0))(torch.empty(0), 6)
    first, second, *others = (next(draw) for _ in range(4002))
    assert first.sum() == 6
    assert second.sum() == 0
    sizes = np.bincount([int(z.sum()) for z in others], minlength=7)[1:6] / 4000
    odds = np.array([1 / (size * (6 - size)) for size in range(1, 6)])
    assert np.abs(sizes - odds / odds.sum()).max() < 0.03
    assert np.abs(np.mean([z[0].numpy() for z in others], axis=0) - 0.5).max() < 0.03


def test_kernel_shap_finds_the_shares_of_a_linear_network(linear: Batch) -> None:
    targets = linear.top(2)
    found: dict[str, Tensor] = {}
    maps = KernelSHAP(samples=60, segments=12).attribute(linear, targets, found)
    assert torch.allclose(maps, shares_of_superpixels(linear, targets, Slic(12)), atol=1e-4)
    assert float(found["efficiency_error"].max()) < 1e-5


def test_kernel_shap_approaches_shapley_values_by_brute_force(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier).part(1)
    regions = batch.segments(Slic(6))
    count = int(regions.max()) + 1
    assert 3 <= count <= 9
    target = int(batch.predicted[0])
    hidden = hidden_by("region", batch.images, regions, batch.classifier)
    coalitions = list(itertools.product((0, 1), repeat=count))
    shown = torch.tensor(coalitions)[:, regions[0]][:, None]
    with torch.no_grad():
        logits = batch.classifier.logits(torch.where(shown == 1, batch.images, hidden))
    value = dict(zip(coalitions, logits[:, target].double().tolist(), strict=True))
    shapley = np.zeros(count)
    for z in coalitions:
        for member in range(count):
            if not z[member]:
                size, joined = sum(z), tuple(1 if i == member else v for i, v in enumerate(z))
                odds = math.factorial(size) * math.factorial(count - size - 1)
                shapley[member] += odds / math.factorial(count) * (value[joined] - value[z])
    found: dict[str, Tensor] = {}
    maps = KernelSHAP(samples=600, segments=6).attribute(batch, batch.top(1), found)
    estimates = np.array([float(maps[0, 0][regions[0] == r].mean()) for r in range(count)])
    assert np.abs(estimates - shapley).max() < 0.1 * np.abs(shapley).max()
    total = value[(1,) * count] - value[(0,) * count]
    assert estimates.sum() == pytest.approx(total, abs=1e-5)
    assert float(found["efficiency_error"][0, 0]) < 1e-5


def test_a_plain_picture_is_explained_without_an_error(tiny_classifier: Classifier) -> None:
    plain = Photo("grey.png", np.full((80, 80, 3), 128, np.uint8), "00" * 32)
    batch = Batch.of(tiny_classifier, [plain])
    for method in (LIME(samples=20, segments=5), KernelSHAP(samples=20, segments=5)):
        maps = method.attribute(batch, batch.top(1))
        assert float(maps.abs().max()) < 1e-3


def test_a_picture_of_one_superpixel_gets_the_whole_change(
    linear_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(linear_classifier).part(0)
    batch._segments[Slic(12)] = torch.zeros(1, 32, 32, dtype=torch.int64)
    maps = KernelSHAP(samples=20, segments=12).attribute(batch, batch.top(2))
    expected = shares_of_superpixels(batch, batch.top(2), Slic(12))
    assert torch.allclose(maps, expected, atol=1e-5)
    lime = LIME(samples=100, segments=12, ridge=0.0001, output="logit")
    assert torch.allclose(lime.attribute(batch, batch.top(2)), expected, atol=5e-3)


def test_occlusion_is_the_mean_loss_over_the_squares_that_cover_a_pixel(linear: Batch) -> None:
    part = linear.part(2)
    target = int(part.predicted)
    maps = Occlusion(window=0.25, stride=0.5).attribute(part, part.top(1))
    cover = mean_colour(part.images)
    losses, counts = torch.zeros(32, 32), torch.zeros(32, 32)
    for top in range(0, 25, 4):
        for left in range(0, 25, 4):
            changed = part.images.clone()
            square = (slice(top, top + 8), slice(left, left + 8))
            changed[..., *square] = cover[..., *square]
            with torch.no_grad():
                loss = part.logits[0, target] - part.classifier.logits(changed)[0, target]
            losses[square] += loss
            counts[square] += 1
    assert torch.allclose(maps[0, 0], losses / counts, atol=1e-5)


def test_rise_is_the_mean_of_masks_weighted_by_probability_above_its_mean(tiny: Batch) -> None:
    method = RISE(samples=12, seed=3, batch_size=4)
    maps = method.attribute(tiny, tiny.top(2))
    generator = tiny.generator(3, 2)
    masks, scores = [], []
    for _ in range(12):
        mask = method._mask(64, 64, generator)
        assert mask.shape == (64, 64)
        assert 0 <= float(mask.min()) <= float(mask.max()) <= 1
        with torch.no_grad():
            probabilities = tiny.classifier.logits(tiny.images[2:3] * mask).softmax(dim=1)[0]
        masks.append(mask)
        scores.append(probabilities[tiny.top(2)[2]].double())
    above = torch.stack(scores) - torch.stack(scores).mean(dim=0)
    slow = torch.einsum("it,ihw->thw", above, torch.stack(masks).double()) / (12 * 0.5)
    assert torch.allclose(maps[2].double(), slow, rtol=1e-4, atol=1e-6)


def rise_network(scale: float) -> Classifier:
    """Class 1 rests on rows 20 to 28 and columns 4 to 12 alone, the more the larger `scale`."""
    network = seeded(LinearNetwork)
    network.fc.weight.data.zero_()
    network.fc.bias.data.copy_(torch.tensor([0.0, 2.0, 0.0, 0.0]))
    network.fc.weight.data.view(4, 3, 32, 32)[1, :, 20:28, 4:12] = scale
    return Classifier.of(network, tuple("abcd"), form=InputFormat(size=32, resize=36))


BRIGHT = Photo("bright.png", np.full((64, 64, 3), 255, np.uint8), "11" * 32)


def test_rise_of_a_constant_model_is_zero() -> None:
    batch = Batch.of(rise_network(0.0), [BRIGHT])
    maps = RISE(samples=100).attribute(batch, torch.tensor([[0, 1]]))
    assert float(batch.probabilities[0, 1]) > 0.7
    assert float(maps.abs().max()) < 1e-6


def test_rises_mass_on_the_object_is_far_above_chance() -> None:
    batch = Batch.of(rise_network(0.02), [BRIGHT])
    maps = RISE(samples=400).attribute(batch, torch.tensor([[1]]))[:, 0]
    mask = torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[:, 20:28, 4:12] = True
    case = Case(batch, torch.tensor([1]), maps, RISE(), mask)
    chance = float(mask.float().mean())
    assert float(METRICS["relevance_mass"]().score(case).values[0]) > 4 * chance


def test_rise_masks_show_half_of_every_pixel() -> None:
    generator = torch.Generator().manual_seed(0)
    masks = torch.stack([RISE()._mask(40, 40, generator) for _ in range(2000)])
    assert float((masks.mean(dim=0) - 0.5).abs().max()) < 0.05


def test_rise_finds_the_one_place_that_counts() -> None:
    batch = Batch.of(rise_network(0.02), [BRIGHT])
    maps = RISE(samples=400).attribute(batch, torch.tensor([[1]]))[0, 0]
    row, column = divmod(int(maps.argmax()), 32)
    assert 17 <= row < 31
    assert 1 <= column < 15


def test_a_rare_picture_does_not_change_the_others(tiny_classifier: Classifier) -> None:
    photos = [picture(0), Photo("black.png", np.zeros((60, 60, 3), np.uint8), "22" * 32)]
    together = Batch.of(tiny_classifier, photos)
    alone = Batch.of(tiny_classifier, photos[:1])
    for method in (LIME(samples=20, segments=8), KernelSHAP(samples=40, segments=8)):
        maps = method.attribute(together, torch.zeros(2, 1, dtype=torch.int64))
        single = method.attribute(alone, torch.zeros(1, 1, dtype=torch.int64))
        assert torch.allclose(maps[0], single[0], atol=1e-6)
