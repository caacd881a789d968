"""Weight randomisation: 1 for maps that ignore the weights, else Spearman's rank correlation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import stats

from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.metrics.randomization import randomised
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def case_of(batch: Batch, name: str) -> Case:
    method = METHODS[name]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    return Case(batch, batch.predicted, maps, method)


def test_a_map_of_the_picture_alone_fails_the_check(
    tiny_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]
) -> None:
    scores = METRICS["randomization"]().score(case_of(tiny_batch(tiny_classifier), "sobel"))
    torch.testing.assert_close(scores.values, torch.ones(4))
    torch.testing.assert_close(scores.curves["randomization"], torch.ones(4, 5))


def test_it_is_the_rank_correlation_with_a_network_of_random_weights(
    tiny_classifier: Classifier, tiny_batch: Callable[[Classifier], Batch]
) -> None:
    batch = tiny_batch(tiny_classifier)
    case = case_of(batch, "saliency")
    scores = METRICS["randomization"](seed=3).score(case)
    other = Batch(randomised(tiny_classifier, 1.0, 3), batch.images, batch.sha256s)
    maps = case.method.attribute(other, batch.predicted[:, None])[:, 0]
    for index in range(4):
        expected = stats.spearmanr(case.maps[index].ravel(), maps[index].ravel()).statistic
        assert float(scores.values[index]) == pytest.approx(abs(expected), abs=1e-5)
        last = float(scores.curves["randomization"][index, -1])
        assert last == pytest.approx(expected, abs=1e-5)


def test_layers_become_random_from_the_output_on(tiny_classifier: Classifier) -> None:
    before = dict(tiny_classifier.network.named_parameters())
    for share, layers in ((0.0, 1), (0.5, 2), (1.0, 4)):
        after = dict(randomised(tiny_classifier, share, 0).network.named_parameters())
        changed = {
            name.rpartition(".")[0] for name in before if (before[name] != after[name]).any()
        }
        in_order = ["features.0", "features.2", "features.4", "fc"]
        assert changed == set(in_order[-layers:])
