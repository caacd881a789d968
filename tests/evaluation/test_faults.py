"""One image's fault is that image's undefined score with a reason; the others' scores stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor

from tests.conftest import TinyNetwork, picture, seeded
from tests.evaluation.conftest import RunIt, curves, table
from xai_core.evaluation.faults import attributed, part_of_case, scored
from xai_core.evaluation.tables import load_scores
from xai_core.images.reading import InputFormat
from xai_core.images.superpixels import Slic
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier

METRIC_NAMES = "deletion insertion irof relevance_mass sparseness symmetric_relevance_gain"


def failing_on(monkeypatch: pytest.MonkeyPatch, kind: type[Any], name: str, sha256: str) -> None:
    """`kind.name` raises wherever the image with this sha256 is looked at."""
    real = getattr(kind, name)

    def fails(self: Any, about: Any, *rest: Any) -> Any:
        batch = about if isinstance(about, Batch) else about.batch
        if sha256 in batch.sha256s:
            raise IndexError("a number too far")
        return real(self, about, *rest)

    monkeypatch.setattr(kind, name, fails)


def without(frame: pd.DataFrame, sha256: str) -> pd.DataFrame:
    return frame[frame["image_sha256"] != sha256].reset_index(drop=True)


@pytest.mark.parametrize("of", ["method", "metric"])
def test_one_images_fault_leaves_the_others_as_they_are(
    of: str, evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, faulty = tmp_path / "whole", tmp_path / "faulty"
    evaluate(whole, "cam", METRIC_NAMES)
    sha256 = str(load_scores(whole)["image_sha256"][3])
    with monkeypatch.context() as patch:
        kind, name = (METHODS["cam"], "_maps") if of == "method" else (METRICS["irof"], "_score")
        failing_on(patch, kind, name, sha256)
        evaluate(faulty, "cam", "deletion irof")
        evaluate(faulty, "cam", METRIC_NAMES)  # from the stored maps
    expected = without(table(whole), sha256)
    pd.testing.assert_frame_equal(without(table(faulty), sha256), expected, rtol=1e-5, atol=1e-6)
    pd.testing.assert_frame_equal(
        without(curves(faulty), sha256), without(curves(whole), sha256), rtol=1e-5, atol=1e-6
    )
    lost = load_scores(faulty)
    lost = lost[(lost["image_sha256"] == sha256) & lost["score"].isna()]
    title = "CAM" if of == "method" else "IROF"
    assert set(lost["metric"].str.partition("[")[0]) == (
        set(METRIC_NAMES.split()) if of == "method" else {"irof"}
    )
    assert set(lost["reason"]) == {f"{title} fails on this image: a number too far"}


def test_the_machines_fault_ends_the_run(
    evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(METHODS["cam"], "_maps", full)
    with pytest.raises(torch.OutOfMemoryError):
        evaluate(tmp_path, "cam", "deletion")
    assert load_scores(tmp_path).empty


@pytest.mark.parametrize("others", [0, 1])
def test_irof_of_one_superpixel_is_its_formula(tiny_classifier: Classifier, others: int) -> None:
    batch = Batch.of(tiny_classifier, [picture(i) for i in range(1 + others)])
    segments = batch.segments(Slic(50, 10.0)).clone()
    segments[0] = 0
    batch._segments[Slic(50, 10.0)] = segments
    method = METHODS["random"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    case = Case(batch, batch.predicted, maps, method)
    found = METRICS["irof"]().score(case).values[0]
    grey = batch.images[:1].mean(dim=(2, 3), keepdim=True).expand_as(batch.images[:1])
    left = tiny_classifier.network(grey).softmax(1)[0, batch.predicted[0]]
    assert float(found) == pytest.approx(1 - float(left.detach() / case.start[0]), abs=1e-6)


def nan_classifier() -> Classifier:
    network = seeded(TinyNetwork)
    with torch.no_grad():
        for values in network.parameters():
            values.fill_(torch.nan)
    form = InputFormat(size=64, resize=72)
    return Classifier.of(network, tuple("abcde"), name="nan", form=form)


@pytest.fixture(scope="module")
def nan_batch() -> Batch:
    return Batch.of(nan_classifier(), [picture(0), picture(1)])


@pytest.mark.parametrize("name", list(METHODS))
def test_a_network_of_nan_is_told_by_every_method(name: str, nan_batch: Batch) -> None:
    few = {k: v for k, v in {"samples": 20, "steps": 4}.items() if k in METHODS[name].declared()}
    method = METHODS[name](**few)
    if method.unfit(nan_batch.classifier):
        pytest.skip("does not fit the model")
    maps, failures = attributed(method, nan_batch, nan_batch.predicted)
    assert maps.isfinite().all()
    assert all("finite" in failure for failure in failures if failure), failures


@pytest.mark.parametrize("name", list(METRICS))
def test_an_undefined_score_of_a_network_of_nan_has_a_reason(name: str, nan_batch: Batch) -> None:
    method = METHODS["random"]()
    maps, _ = attributed(method, nan_batch, nan_batch.predicted)
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[:, 10:30, 10:30] = True
    metric = METRICS[name]()
    if metric.needs_shots:
        pytest.skip("needs drawn scenes")
    scores = scored(metric, Case(nan_batch, nan_batch.predicted, maps, method, masks))
    assert [bool(value.isnan()) for value in scores.values] == [bool(r) for r in scores.reasons]
    assert all("not finite" in reason for reason in scores.reasons if reason)


@pytest.mark.parametrize("name", ["deletion", "irof", "sparseness", "relevance_mass"])
def test_images_scored_alone_are_scored_the_same(name: str, tiny_classifier: Classifier) -> None:
    batch = Batch.of(tiny_classifier, [picture(i) for i in range(3)])
    method = METHODS["random"]()
    maps = method.attribute(batch, batch.predicted[:, None])[:, 0]
    masks = torch.ones(3, 64, 64, dtype=torch.bool)
    case = Case(batch, batch.predicted, maps, method, masks)
    metric = METRICS[name]()
    together = metric.score(case).values
    alone = torch.cat([metric.score(part_of_case(case, [i])).values for i in range(3)])
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)
