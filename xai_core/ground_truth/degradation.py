"""Degradation: a good map degraded in known steps, which a good metric must notice in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional

from xai_core import headline
from xai_core.evaluation.dataset import Item
from xai_core.evaluation.plan import MEMORY_MB, forward_size_for
from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.ground_truth.benchmarks._units import importance_maps, resized
from xai_core.methods.uniform import Uniform
from xai_core.metrics import METRICS, Case, Metric
from xai_core.models.batch import Batch, image_seed
from xai_core.models.classifier import Classifier

STEPS = {
    "blurred": (0.02, 0.05, 0.1, 0.2),
    "shifted": (0.05, 0.1, 0.2, 0.4),
    "mixed with noise": (0.25, 0.5, 0.75, 1.0),
}
"""Standard deviation and distance as shares of the image's side; share of noise."""
NOISE_SEED = 2
LARGEST_CHECK = 16
CHECKED = headline.SHOWN
"""Metrics that are checked, besides all localisation metrics and all benchmarks on scenes."""


def degraded(maps: Tensor, way: str, amount: float, sha256s: Sequence[str]) -> Tensor:
    """Maps (N, H, W) blurred, shifted to the right (wrapping), or mixed with noise of their scale.

    Raises KeyError for a way that is not in STEPS.
    """
    side = maps.shape[-1]
    if way == "blurred":
        return _blurred(maps, amount * side)
    if way == "shifted":
        return maps.roll(round(amount * side), dims=-1)
    if way != "mixed with noise":
        raise KeyError(way)
    noise = torch.stack(
        [
            torch.randn(
                maps.shape[1:],
                generator=torch.Generator().manual_seed(image_seed(NOISE_SEED, sha256)),
            )
            for sha256 in sha256s
        ]
    ).to(maps)
    # as strong as the map itself, so that the share of noise is what it says
    scale = maps.flatten(1).std(dim=1)[:, None, None]
    return (1 - amount) * maps + amount * scale * noise


def _blurred(maps: Tensor, sigma_px: float) -> Tensor:
    reach = min(maps.shape[-1] - 1, max(1, round(3 * sigma_px)))
    offsets = torch.arange(-reach, reach + 1, dtype=maps.dtype, device=maps.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma_px**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(maps[:, None], (reach, reach, reach, reach), mode="reflect")
    across = functional.conv2d(padded, kernel[None, None, None, :])
    return functional.conv2d(across, kernel[None, None, :, None])[:, 0]


@dataclass(frozen=True)
class Decline:
    """Mean scores of a metric on a map that gets worse: `means[0]` belongs to the good map.

    `in_order` is Kendall's tau-b between step and score, 1 where every step costs score.
    """

    metric: str
    way: str
    amounts: tuple[float, ...]
    means: tuple[float, ...]
    images: int
    in_order: float

    def row(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(vars(self))


def declines(metric: Metric, case: Case, good: Tensor) -> list[Decline]:
    """How the metric takes each way of making the maps `good` (N, H, W) worse.

    Only images count whose score is defined at every step.
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    found = []
    for way, amounts in STEPS.items():
        maps = [good, *(degraded(good, way, a, case.batch.sha256s) for a in amounts)]
        scores = torch.stack(
            [metric.score(replace(case, maps=made, _kept={})).values.cpu() for made in maps]
        )
        defined = scores.isfinite().all(dim=0)
        means = scores[:, defined].double().mean(dim=1).tolist()
        order = stats.kendalltau(range(len(means)), [-sign * mean for mean in means]).statistic
        found.append(
            Decline(
                metric.spec(), way, (0.0, *amounts), tuple(means), int(defined.sum()), float(order)
            )
        )
    return found


def checked_metrics(
    classifier: Classifier, items: Sequence[Item], memory: float = MEMORY_MB
) -> list[dict[str, Any]]:
    """How benchmarks and metrics take a good map that gets worse, on the first drawn scenes.

    Good is the exact mask for localisation, else the map of the parts' true importances.
    """
    items = items[:LARGEST_CHECK]
    photos = [item.open() for item in items]
    batch = Batch.of(classifier, photos)
    batch.forward_size = forward_size_for(classifier, memory)
    side = classifier.form.size
    found = [item.mask(photo) for item, photo in zip(items, photos, strict=True)]
    masks = torch.stack(
        [torch.from_numpy(resized(mask, side).copy()) for mask in found if mask is not None]
    )
    shots = tuple(item.read_shot() for item in items if item.read_shot is not None)
    masks = masks.to(batch.images.device)
    case = Case(batch, batch.predicted, masks.float(), Uniform(), masks, shots)
    important = importance_maps(case)
    metrics: list[Metric] = [METRICS[name]() for name in CHECKED if name in METRICS]
    metrics += [cls() for cls in METRICS.values() if cls.kind == "localisation"]
    metrics += [cls() for cls in BENCHMARKS.values() if cls.images == "scenes"]
    rows = []
    for metric in metrics:
        good = masks.float() if metric.kind == "localisation" else important
        rows += [decline.row() for decline in declines(metric, case, good)]
    return rows
