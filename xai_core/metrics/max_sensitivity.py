"""Max-sensitivity: how much a map changes when the image changes imperceptibly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from xai_core.methods.base import Method
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting


@dataclass(frozen=True)
class MaxSensitivity(Metric):
    """max over samples of |M(x + e) - M(x)| / |M(x)|, e uniform in an L-infinity ball.

    |.| is the Euclidean norm over pixels. The largest of `samples` draws stands for the maximum;
    the same draws serve all methods.
    """

    title = "Max-sensitivity"
    reference = "Yeh et al., NeurIPS 2019, arXiv 1901.09392"
    kind = "stability"
    higher_is_better = False
    bounds = (0.0, math.inf)
    reruns_method = True
    formula = r"\max_{\|e\|_\infty \le r} \frac{\|M(x + e) - M(x)\|_2}{\|M(x)\|_2}"
    caveat = (
        "A map that never changes is perfect here; low values also reward methods that ignore "
        "the class."
    )

    radius: float = setting(0.02, "largest change of a normalised pixel value", low=0.0001, high=2)
    samples: int = setting(10, "random changes tried for each image", low=1, high=1000)
    seed: int = setting(0, "seed of the random changes", low=0, high=2**31)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        passes = self.samples * method.passes(classifier)
        return (Work((self.name, self.key(), method.key()), passes),)

    def _score(self, case: Case) -> Scores:
        size = case.maps.flatten(1).norm(dim=1)
        values = torch.zeros_like(size)
        for sample in range(self.samples):
            changed = Batch(
                case.batch.classifier,
                case.batch.images + self.noise(case.batch, sample),
                case.batch.sha256s,
            )
            maps = case.method.attribute(changed, case.targets[:, None])[:, 0]
            values = values.maximum((maps - case.maps).flatten(1).norm(dim=1) / size)
        reasons = tuple(
            "" if some else "the map is zero everywhere" for some in (size > 0).tolist()
        )
        return Scores(values.masked_fill(size <= 0, torch.nan), reasons)

    def noise(self, batch: Batch, sample: int) -> Tensor:
        """(N, 3, H, W) uniform in -radius..radius, each image by its own seed."""
        drawn = [
            torch.rand(batch.images.shape[1:], generator=batch.generator(self.seed + sample, index))
            for index in range(len(batch))
        ]
        return (torch.stack(drawn).to(batch.images.device) * 2 - 1) * self.radius
