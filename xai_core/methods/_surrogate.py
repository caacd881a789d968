"""What LIME and KernelSHAP share: superpixels switched on and off, and the passes behind them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from xai_core.images.regions import region_means
from xai_core.methods._baselines import fixed_baseline
from xai_core.models.classifier import Classifier

FILLS = ("region", "black", "mean", "blurred")
FILL_HELP = (
    "what replaces a hidden superpixel: its own mean colour, black, the image's mean colour, or "
    "the image blurred"
)
_GLOBAL_RANDOM = threading.RLock()


@contextmanager
def undisturbed_random() -> Iterator[None]:
    """Leaves torch's global generator as it was; Captum's data loader draws from it."""
    with _GLOBAL_RANDOM, torch.random.fork_rng(devices=[]):
        yield


def hidden_by(fill: str, image: Tensor, segments: Tensor, classifier: Classifier) -> Tensor:
    """What stands in for hidden superpixels (1, H, W) of an image (1, 3, H, W)."""
    if fill == "region":
        return region_means(image, segments)
    return fixed_baseline(fill, image, classifier.form)


class RememberedOutputs:
    """The model's outputs in order of the calls, so that every class shares the same passes."""

    def __init__(self, classifier: Classifier, output: str) -> None:
        self._classifier = classifier
        self._output = output
        self._kept: list[Tensor] = []
        self._next = 0

    def rewind(self) -> None:
        """Start again with the first call; the calls after it must repeat the same images."""
        self._next = 0

    def __call__(self, images: Tensor) -> Tensor:
        if self._next == len(self._kept):
            with torch.no_grad():
                images = images.contiguous(memory_format=torch.channels_last)
                logits = self._classifier.logits(images)
            wants_logits = self._output != "probability"
            self._kept.append(logits if wants_logits else self._classifier.probabilities(logits))
        self._next += 1
        return self._kept[self._next - 1]


class WeightedRidge:
    """Least squares with sample weights, an intercept, and a penalty `alpha` on the coefficients.

    Minimises sum_i p_i (y_i - b - z_i . a)^2 + alpha |a|^2; `r2` is the weighted R^2 of the fit.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.r2 = float("nan")
        self._coefficients = torch.empty(0)

    def fit(self, samples: Any) -> None:
        """Fit to a loader whose one batch is (z (S, R), y (S,), p (S,))."""
        z, y, p = (part.double().cpu() for part in next(iter(samples)))
        total = p.sum()
        p = p / total
        z, y = z - p @ z, y - p @ y
        gram = (z * p[:, None]).T @ z
        penalty = self.alpha / total * torch.eye(len(gram)).to(gram)
        self._coefficients = torch.linalg.solve(gram + penalty, z.T @ (p * y))
        residual = y - z @ self._coefficients
        spread = p @ y**2
        self.r2 = float(1 - p @ residual**2 / spread) if spread > 0 else 1.0

    def representation(self) -> Tensor:
        """The coefficients (1, R)."""
        return self._coefficients.float()[None]


class ShapleyRegression:
    """Least squares through the two ends: all hidden is exact, and all shown too.

    Minimises sum_i (y_i - y_0 - z_i . a)^2 subject to sum a = y_1 - y_0, where the first sample
    is all shown (y_1) and the second all hidden (y_0); `r2` is the fit of the others. Where they
    leave a open, it is the solution closest to equal shares, so no superpixel is favoured.
    """

    def __init__(self) -> None:
        self.r2 = float("nan")
        self.efficiency_error = float("nan")
        self._coefficients = torch.empty(0)

    def fit(self, samples: Any) -> None:
        """Fit to a loader whose one batch is (z (S, R), y (S,), weights (S,), not needed)."""
        z, y, _ = (part.double().cpu() for part in next(iter(samples)))
        total, y = y[0] - y[1], y - y[1]
        z_random, y_random = z[2:], y[2:]
        # Equal shares have the sum; the smallest solution for the rest, of centred z, sums to 0.
        equal = total / z.shape[1]
        centred = z_random - z_random.mean(dim=1, keepdim=True)
        rest = torch.linalg.lstsq(
            centred, y_random - z_random.sum(dim=1) * equal, driver="gelsd"
        ).solution
        self._coefficients = equal + rest
        residual = y_random - z_random @ self._coefficients
        spread = ((y_random - y_random.mean()) ** 2).sum()
        self.r2 = float(1 - (residual**2).sum() / spread) if spread > 0 else 1.0
        self.efficiency_error = float((self._coefficients.float().sum() - total).abs())

    def representation(self) -> Tensor:
        """The coefficients (1, R), the Shapley values."""
        return self._coefficients.float()[None]
