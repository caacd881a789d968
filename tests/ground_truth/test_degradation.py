import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from xai_core.ground_truth.benchmarks._units import importance_maps
from xai_core.ground_truth.benchmarks.part_correlation import PartCorrelation
from xai_core.ground_truth.degradation import STEPS, declines, degraded
from xai_core.metrics.pointing_game import PointingGame
from xai_core.metrics.relevance_mass import RelevanceMass
from xai_core.orchard import sample_scene
from xai_core.orchard.redrawing import redrawn
from xai_core.orchard.shot import Shot

SHOTS = [
    Shot(sample_scene(fruit, 2, seed), 48)
    for seed, fruit in enumerate(("apple", "kiwi", "strawberry", "pear", "corn", "cherry"))
]
NAMES = ["a", "b"]


def test_blur_is_gaussian_and_keeps_the_total():
    maps = torch.rand(2, 60, 60, generator=torch.Generator().manual_seed(0))
    found = degraded(maps, "blurred", 0.05, NAMES)
    expected = gaussian_filter(maps.numpy(), (0, 3, 3), mode="mirror", truncate=3)
    assert np.allclose(found.numpy(), expected, atol=1e-5)


def test_shift_and_noise_are_of_the_stated_amount():
    maps = torch.rand(2, 50, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(degraded(maps, "shifted", 0.1, NAMES)[..., 5:], maps[..., :-5])
    half, whole = (degraded(maps, "mixed with noise", a, NAMES) for a in (0.5, 1.0))
    assert torch.allclose(2 * half - maps, whole, atol=1e-5)
    assert whole.flatten(1).std(dim=1).tolist() == pytest.approx(
        maps.flatten(1).std(dim=1).tolist(), rel=0.05
    )
    assert torch.equal(whole[:1], degraded(maps[:1], "mixed with noise", 1.0, NAMES[:1]))
    with pytest.raises(KeyError):
        degraded(maps, "cropped", 1.0, NAMES)


def test_localisation_and_part_correlation_lose_score_in_order(weighted_pixels, drawn_case):
    coarse = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    classifier = weighted_pixels(torch.nn.functional.interpolate(coarse, size=48) * 0.02)
    fruits = [shot.scene.fruits[0].name for shot in SHOTS]
    masks = torch.stack(
        [torch.from_numpy(redrawn(s).mask(f)) for s, f in zip(SHOTS, fruits, strict=True)]
    )
    case = drawn_case(classifier, SHOTS, masks=masks)
    goods = {
        RelevanceMass(): masks.float(),
        PointingGame(tolerance_px=0): masks.float(),
        PartCorrelation(over_uniform=False): importance_maps(case),
    }
    for metric, good in goods.items():
        for decline in declines(metric, case, good):
            assert decline.amounts == (0.0, *STEPS[decline.way])
            assert decline.images >= 5
            assert decline.means[0] > 0.98
            if metric.name == "pointing_game" and decline.way == "blurred":
                continue  # one pixel decides: blurring hardly moves it
            assert decline.means[-1] < decline.means[0] - 0.1
            # tau-b of five steps is sqrt(4 / 10) where only the last one loses score
            assert decline.in_order > (0.5 if metric.name == "pointing_game" else 0.63), decline
