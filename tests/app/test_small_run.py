"""A run of 20 photos by 3 methods: every page is about it, and says no more than it can show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from runs import run_folders
from streamlit.testing.v1 import AppTest

from xai_core import DATA
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.run_note import save_note
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import load_scores

METHODS = ("grad_cam", "integrated_gradients", "sobel")
METRICS = ("symmetric_relevance_gain", "deletion", "insertion", "relevance_mass")
CURVE = {"symmetric_relevance_gain": ("morf", "lerf"), "deletion": ("morf",)}
IMAGES = 20
Page = Callable[..., AppTest]

pytestmark = pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "parts.jsonl").is_file(),
    reason="data/runs/shipped is not here",
)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of another model and data set, cut out of the shipped scores."""
    shipped = DATA / "runs" / "shipped"
    held, scores = load_manifest(shipped), load_scores(shipped)
    images = [image for image in held.images if image["correct"]][:IMAGES]
    shas = {image["sha256"] for image in images}
    methods = {k: e for k, e in held.methods.items() if e["spec"] in METHODS}
    metrics = {k: e for k, e in held.metrics.items() if e["spec"] in METRICS}
    store = Store(tmp_path / "my run")
    model = {**held.classifier, "name": "mine", "fingerprint": "another"}
    store.write_manifest(
        replace(
            held, dataset="my photos", classifier=model, methods=methods, metrics=metrics,
            images=images,
        )
    )  # fmt: skip
    rows = scores[
        scores["image_sha256"].isin(shas)
        & scores["method_key"].isin(list(methods))
        & scores["metric_key"].isin(list(metrics))
    ]
    records = [
        {k: None if v != v or v is None else v for k, v in row.items()}
        for row in rows.astype(object).to_dict("records")
    ]
    curves = [
        {
            **{name: row[name] for name in ("image_sha256", "method_key", "metric_key")},
            "curve": curve, "fraction": [0.0, 0.2, 1.0], "value": [0.9, 0.1 * n, 0.1],
        }
        for row in records
        for n, curve in enumerate(CURVE.get(row["metric"], ()), start=2)
    ]  # fmt: skip
    store.write_scores("all", "all", list(metrics), records, curves)
    monkeypatch.setattr(run_folders, "RUNS", tmp_path)
    return "my run"


def said(app: AppTest) -> str:
    return "\n".join(html.proto.body for html in app.get("html"))


def opened(open_page: Page, page: str, run: str) -> str:
    app = open_page(page, run=run)
    assert app.selectbox(key="run").value == run
    return said(app)


@pytest.mark.parametrize("page", ["leaderboard", "curves", "agreement"])
def test_answers_name_my_data_and_my_model(open_page: Page, mine: str, page: str) -> None:
    text = opened(open_page, page, mine)
    assert f"my photos (model mine, n = {IMAGES} images)" in text
    assert "class='problem'" not in text


def test_a_note_on_the_run_is_on_its_pages(open_page: Page, mine: str, tmp_path: Path) -> None:
    save_note(tmp_path / mine, "weights of <May>")
    assert "Note on my run: weights of &lt;May&gt;" in opened(open_page, "leaderboard", mine)


def test_three_methods_are_too_few_for_the_order_of_metrics(open_page: Page, mine: str) -> None:
    text = opened(open_page, "agreement", mine)
    assert "3 methods are too few to tell which metrics agree" in text
    assert "agree most" not in text
    assert "by losing the other" not in text
    assert "From the shipped run, not yours (my run): orchard (model orchard" in text


def test_a_verdict_from_the_shipped_run_says_so(open_page: Page, mine: str) -> None:
    text = opened(open_page, "cam_vs_secam", mine)
    assert "From the shipped run, not yours (my run): orchard (model orchard, n = 48" in text
    assert "Yours does not hold both CAM and SeCAM." in text


def test_the_known_truth_says_that_it_is_about_another_model(open_page: Page, mine: str) -> None:
    app = open_page("ground_truth", run=mine)
    assert "From the shipped run, not yours (my run)" in said(app)
    assert "No benchmark with a known answer was run on your model" in said(app)


def test_mistakes_offer_the_methods_of_the_run(open_page: Page, mine: str) -> None:
    app = open_page("mistakes", run=mine)
    box = app.multiselect(key="shown")
    assert sorted(box.options) == ["Grad-CAM", "Integrated Gradients", "Sobel edges"]
    assert f"On my photos (model mine, n = {IMAGES} images)" in said(app)
    assert "makes no mistake" in said(app)
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert all("calibration error 0" not in json.dumps(chart["layout"]) for chart in charts)
