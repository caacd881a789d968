"""Two seeds agree more with more samples, and wholly where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from tests.conftest import picture
from xai_core.__main__ import main
from xai_core.evaluation.convergence import (
    load_convergence,
    measure_convergence,
    run_agreements,
    seed_agreement,
    write_convergence,
)
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

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


def test_a_runs_sampled_methods_get_the_agreement_that_was_measured_on_their_model() -> None:
    rows = [
        {"method": "lime", "samples": samples, "image": image, "agreement": value}
        for samples, image, value in (
            (100, "a", 0.1), (500, "a", 0.6), (500, "b", 0.8), (500, "c", None), (900, "a", 1.0),
        )
    ]  # fmt: skip
    measured = {"classifier": {"name": "tiny", "fingerprint": "f"}, "rows": rows}
    sampled = {"samples": 600, "seed": 0}
    entries = (
        ("lime", "lime", "perturbation", sampled),
        ("rise", "rise", "perturbation", sampled),
        ("random", "random", "baseline", sampled),
        ("cam", "cam", "CAM", {}),
    )
    manifest = {
        "classifier": {"fingerprint": "f"},
        "methods": {
            spec: {"spec": spec, "name": name, "family": family, "settings": settings}
            for spec, name, family, settings in entries
        },
    }
    assert run_agreements(manifest, measured) == {"lime": pytest.approx(0.7), "rise": None}
    assert run_agreements(manifest, None) == {"lime": None, "rise": None}
    other = measured | {"classifier": {"name": "tiny", "fingerprint": "g"}}
    assert run_agreements(manifest, other) == {"lime": None, "rise": None}
