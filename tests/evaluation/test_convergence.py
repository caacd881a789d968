"""Two seeds agree more with more samples, and wholly where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from tests.conftest import picture
from xai_core.__main__ import main
from xai_core.batch import Batch
from xai_core.classifier import Classifier
from xai_core.evaluation.convergence import (
    load_convergence,
    measure_convergence,
    seed_agreement,
    write_convergence,
)
from xai_core.methods import METHODS

MakeBatch = Callable[[Classifier], Batch]


def test_agreement_is_scipys_rank_correlation_of_two_maps(
    tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    method = METHODS["lime"](samples=30, segments=10)
    found = seed_agreement(method, batch)
    maps = [
        METHODS["lime"](samples=30, segments=10, seed=seed).attribute(
            batch, batch.predicted[:, None]
        )
        for seed in (0, 1)
    ]
    for index, value in enumerate(found):
        expected = spearmanr(maps[0][index].flatten(), maps[1][index].flatten()).statistic
        assert value == pytest.approx(float(expected), abs=1e-6)


def test_more_samples_agree_more(tiny_classifier: Classifier, tmp_path: Path) -> None:
    photos = [picture(seed) for seed in range(3)]
    methods = [METHODS["lime"](segments=10), METHODS["kernel_shap"](segments=10)]
    measured = measure_convergence(tiny_classifier, photos, methods, (20, 400))
    write_convergence(tmp_path, measured)
    assert load_convergence(tmp_path) == measured
    for name in ("lime", "kernel_shap"):
        means = []
        for count in (20, 400):
            chosen = [r for r in measured["rows"] if (r["method"], r["samples"]) == (name, count)]
            assert [row["image"] for row in chosen] == [photo.name for photo in photos]
            means.append(sum(row["agreement"] for row in chosen) / len(chosen))
        assert means[0] < means[1]
        assert means[1] > 0.9


def test_a_method_without_samples_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convergence", "--methods", "cam"]) == 2
    assert capsys.readouterr().err == ("error: cam: has no number of samples and seed to change\n")
