"""Randomization: does the map depend on what the model has learned?"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from xai_core.methods.base import Method
from xai_core.metrics._ranks import spearman
from xai_core.metrics.base import Case, Metric, Scores, Work
from xai_core.models.batch import Batch, image_seed
from xai_core.models.classifier import Classifier
from xai_core.recipe import setting

SHARES = (0.0, 1 / 3, 2 / 3, 1.0)
"""Of the layers with weights, from the output on: the last alone, a third, two thirds, all."""


@dataclass(frozen=True)
class Randomization(Metric):
    """|Spearman correlation| of the map with the map of a model whose weights are all random.

    The curve holds the signed correlation while the layers are randomised from the output to the
    input (cascading parameter randomisation). Near 0: the map depends on the weights.
    """

    title = "Weight randomisation"
    reference = "Adebayo et al., NeurIPS 2018, arXiv 1810.03292"
    kind = "check"
    higher_is_better = None
    bounds = (0.0, 1.0)
    reruns_method = True
    formula = r"\left|\rho\left(M(x; \theta), M(x; \theta_{\mathrm{random}})\right)\right|"
    caveat = (
        "A check that a method can fail, not a ranking: passing it says little about how good a "
        "map is (Binder et al., CVPR 2023)."
    )

    seed: int = setting(0, "seed of the random weights", low=0, high=2**31)

    def unfit(self, classifier: Classifier) -> str | None:
        if not any(True for _ in classifier.network.parameters()):
            return f"{self.title} draws weights anew, and those of {classifier.name} are not open"
        return super().unfit(classifier)

    def work(self, classifier: Classifier, method: Method) -> tuple[Work, ...]:
        passes = len(SHARES) * method.passes(classifier)
        return (Work((self.name, self.key(), method.key()), passes),)

    def _score(self, case: Case) -> Scores:
        points = [torch.ones(len(case.batch), dtype=torch.float64, device=case.maps.device)]
        for share in SHARES:
            network = randomised(case.batch.classifier, share, self.seed)
            batch = Batch(network, case.batch.images, case.batch.sha256s)
            points.append(self._correlation(case, batch))
        curve = torch.stack(points, dim=1).float()
        values = curve[:, -1].abs()
        reason = "a map is constant or not finite"
        return Scores(
            values,
            tuple(reason if bad else "" for bad in values.isnan().tolist()),
            curves={"randomization": curve},
            fractions=torch.tensor([0.0, *(_first(share) for share in SHARES)]),
        )

    def _correlation(self, case: Case, batch: Batch) -> Tensor:
        try:
            maps = case.method.attribute(batch, case.targets[:, None])[:, 0]
        except ArithmeticError:
            return torch.full((len(batch),), torch.nan, dtype=torch.float64)
        return spearman(case.maps.flatten(1), maps.flatten(1))


def _first(share: float) -> float:
    """Where a point stands on the curve: the first is just after the untouched model."""
    return max(share, 0.05)


@lru_cache(maxsize=len(SHARES))
def randomised(classifier: Classifier, share: float, seed: int) -> Classifier:
    """The classifier with the last `share` of its layers (at least one) replaced by random ones."""
    network = copy.deepcopy(classifier.network).cpu()  # the same weights on every device
    layers = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]
    count = max(1, round(share * len(layers)))
    with torch.random.fork_rng(devices=[]):
        # no seed that training may use; of the CPU alone, as torch.manual_seed is not
        torch.default_generator.manual_seed(image_seed(seed, Randomization.name))
        for layer in layers[-count:]:
            _draw(layer)
    return classifier.rebuilt(network)


def _draw(layer: nn.Module) -> None:
    reset = getattr(layer, "reset_parameters", None)
    if callable(reset):
        reset()
        return
    for values in layer.parameters(recurse=False):
        nn.init.normal_(values, std=float(values.std()) if values.numel() > 1 else 1.0)
