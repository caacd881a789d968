"""The shipped results: whole, and the null baselines where chance puts them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core import DATA
from xai_core.evaluation.dataset import load_dataset
from xai_core.evaluation.journal import find_problems
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tables import load_scores
from xai_core.metrics import METRICS
from xai_core.models.loading import load_classifier
from xai_core.report.material import Choice, load_material
from xai_core.training.accuracy import measure_accuracy

SHIPPED = DATA / "runs" / "shipped"
pytestmark = pytest.mark.skipif(
    not (SHIPPED / "manifest.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare evaluate",
)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    return load_scores(SHIPPED)


@pytest.fixture(scope="module")
def mask_fractions() -> pd.Series:
    images = load_manifest(SHIPPED)["images"]
    return pd.Series({image["sha256"]: image["mask_fraction"] for image in images})


def of(scores: pd.DataFrame, method: str, metric: str) -> pd.Series:
    chosen = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    return chosen.set_index("image_sha256")["score"]


def test_the_run_is_whole_and_of_the_shipped_network(scores: pd.DataFrame) -> None:
    assert not find_problems(SHIPPED)
    manifest = load_manifest(SHIPPED)
    fingerprint = load_classifier("orchard").fingerprint
    assert manifest["classifier"]["fingerprint"] == fingerprint
    gallery = json.loads((SHIPPED / "gallery" / "index.json").read_text())
    assert gallery["classifier"]["fingerprint"] == fingerprint
    assert set(scores["classifier_fingerprint"]) == {fingerprint}
    counts = scores.groupby(["metric", "method"])["image"].nunique().groupby("metric")
    fewest, most = counts.min(), counts.max()
    assert (fewest == most).all()  # a metric compares methods on the same images
    dear = [name for name in most.index if METRICS[name].reruns_method]
    assert (most.drop(dear) == len(manifest["images"])).all()
    assert not scores.duplicated(["image_sha256", "method_key", "metric_key"]).any()


@pytest.mark.parametrize("name", ["shipped", "photos", "ground_truth", "ground_truth_seed2"])
def test_no_report_calls_a_shipped_run_unfinished(name: str) -> None:
    assert load_material(DATA / "runs" / name, Choice()).unfinished == ""


def test_a_uniform_map_has_the_masks_share_of_its_mass(
    scores: pd.DataFrame, mask_fractions: pd.Series
) -> None:
    mass = of(scores, "uniform", "relevance_mass")
    np.testing.assert_allclose(mass, mask_fractions[mass.index], atol=2e-3)


@pytest.mark.parametrize("method", ["random", "random[grain=cell]"])
def test_random_maps_are_at_chance(
    scores: pd.DataFrame, mask_fractions: pd.Series, method: str
) -> None:
    """Within 3.3 standard errors of chance: a right program fails once in a thousand."""
    mass = of(scores, method, "relevance_mass")
    for values in (mass - mask_fractions[mass.index], of(scores, method, "single_deletion")):
        assert abs(values.mean()) < 3.3 * stats.sem(values, nan_policy="omit")


def test_a_uniform_map_has_no_rank_correlation(scores: pd.DataFrame) -> None:
    chosen = scores[(scores["method"] == "uniform") & (scores["metric"] == "single_deletion")]
    assert chosen["score"].isna().all()
    assert (chosen["reason"] != "").all()


def test_the_run_on_photos_has_scores_and_no_place_on_any_machine() -> None:
    photos = DATA / "runs" / "photos"
    assert not find_problems(photos)
    manifest = load_manifest(photos)
    assert len(manifest["images"]) == 50
    assert {image["path"].partition("/")[0] for image in manifest["images"]} == {"photos"}
    assert not [path for path in photos.rglob("*") if path.suffix in (".jpg", ".png", ".npz")]
    assert set(load_scores(photos)["metric"]) <= set(METRICS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [card.stem for card in sorted((DATA / "models").glob("*.json"))])
def test_the_model_cards_accuracy_is_reproduced(name: str) -> None:
    """To one image: last bits differ between machines."""
    card = json.loads((DATA / "models" / f"{name}.json").read_text())
    classifier = load_classifier(name)
    found = measure_accuracy(classifier, load_dataset("orchard", classifier.categories))
    assert found["n"] == card["accuracy"]["n"] == 240
    assert abs(found["right"] - card["accuracy"]["right"]) <= 1
