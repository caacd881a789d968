"""The ground-truth page on a made-up run whose verdict is known."""

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ground_truth import truth_pages
from menu import FILES
from PIL import Image
from runs import run_folders
from runs import tables as run_tables
from state import choices
from streamlit.testing.v1 import AppTest

from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import load_curves, load_scores
from xai_core.findings import truth, truth_wording
from xai_core.ground_truth.facts import add_facts

Tables = Callable[[AppTest], list[pd.DataFrame]]
METHODS = {"cam": 0.8, "secam": 0.6, "saliency": 0.5, "lime": 0.4, "random": 0.1, "oracle": 1.0}
BENCHMARKS = {"part_correlation": True, "distractibility": False, "shortcut_contrast": True}
IMAGES = [f"{i:064x}" for i in range(10)]
HEADING = "Who finds the evidence that is known to matter?"


def manifest() -> dict[str, Any]:
    return {
        "dataset": "orchard ground truth",
        "classifier": {"name": "tiny", "fingerprint": "f", "categories": ["apple", "pear"],
                       "form": {"size": 32}},
        "framing": "whole",
        "precision": "fp32",
        "methods": {
            f"k-{m}": {"spec": m, "name": m, "label": m.upper(), "title": m.upper(),
                       "family": "baseline" if m in ("random", "oracle") else "CAM", "passes": 1}
            for m in METHODS
        },
        "metrics": {
            f"k-{b}": {"spec": b, "name": b, "label": b.replace("_", " ").capitalize(),
                       "title": b, "kind": "ground truth", "higher_is_better": higher,
                       "caveat": "Beware.", "settings": {}}
            for b, higher in BENCHMARKS.items()
        },
        "images": [{"sha256": sha, "image": sha, "path": sha, "level": 1, "label": 0}
                   for sha in IMAGES],
    }  # fmt: skip


def write_run(folder: Path) -> Path:
    random = np.random.default_rng(0)
    rows, curves = [], []
    for method, quality in METHODS.items():
        for metric, higher in BENCHMARKS.items():
            for sha in IMAGES:
                key = {
                    "image_sha256": sha,
                    "method_key": f"k-{method}",
                    "metric_key": f"k-{metric}",
                }
                value = quality + random.normal(0, 0.01)
                rows.append(
                    {**key, "dataset": "orchard", "classifier": "tiny",
                     "classifier_fingerprint": "f", "image": sha, "label": 0, "level": 1,
                     "predicted": 0, "target": 0, "method": method, "metric": metric,
                     "score": value if higher else 1 - value, "reason": "", "precision": "fp32"}
                )  # fmt: skip
                if metric == "shortcut_contrast":
                    for network, share in (("shortcut", quality / 2), ("control", 0.05)):
                        point = {"curve": network, "fraction": [0.0], "value": [share]}
                        curves.append({**key, **point})
    store = Store(folder)
    store.write_manifest(Manifest.of(manifest()))
    store.write_scores("all", "all", ["all"], rows, curves)
    add_facts(
        folder,
        in_domain={"images": 10, "whole": 0.9, "part": 0.7, "minor_part": 0.85, "lost": 0.05},
        redrawing={"images": 10, "same_prediction": 1.0, "mean_change": 0.1, "spread": 2.0},
        stickers={
            "orchard_shortcut": {"images": 80, "own": 0.9, "swapped": 0.4, "drop": 0.5},
            "orchard_control": {"images": 80, "own": 0.8, "swapped": 0.79, "drop": 0.01},
        },
        declines=[
            {"metric": "part_correlation", "way": "blurred", "amounts": [0, 0.1, 0.2],
             "means": [1.0, 0.8, 0.5], "images": 10, "in_order": 1.0}
        ],
    )  # fmt: skip
    write_book(folder / "scenes")
    return folder


def write_book(folder: Path) -> None:
    folder.mkdir()
    for name in ("apple-1", "apple-1-apple.stem", "apple-1-shadow"):
        Image.new("RGB", (32, 32), "white").save(folder / f"{name}.jpg")
    units = [
        {"name": name, "picture": f"apple-1-{name}.jpg", "importance": importance,
         "probability": p, "share": 0.1, "sums": {"cam": 0.5, "secam": 0.2}}
        for name, importance, p in (("shadow", -0.2, 0.95), ("apple.stem", 1.5, 0.25))
    ]  # fmt: skip
    page = {
        "name": "apple-1", "fruit": "apple", "level": 2, "target": "apple", "logit": 3.0,
        "probability": 0.9, "methods": {"cam": "CAM", "secam": "SECAM"}, "units": units,
    }  # fmt: skip
    (folder / "index.json").write_text(json.dumps({"side": 32, "pages": [page]}))
    grid = np.random.default_rng(0).normal(size=(1, 7, 7)).astype(np.float32)
    np.savez(folder / "apple-1.npz", **{"cam.grid": grid, "secam.grid": grid})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runs").mkdir()
    folder = write_run(tmp_path / "runs" / "ground_truth")
    monkeypatch.setattr(run_folders, "SHIPPED_RUNS", tmp_path / "runs")
    monkeypatch.setattr(run_folders, "RUNS", tmp_path / "runs")
    return folder


def texts(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def titles_in(chart: Any) -> str:
    return str(chart.proto.spec)


def test_page_names_the_leader_and_keeps_the_oracle_out(
    open_page: Callable[..., AppTest], run: Path
) -> None:
    app = open_page("ground_truth")
    said = texts(app)
    assert HEADING in said
    assert "On orchard ground truth (model tiny, n = 10 images) and over 3 benchmarks" in said
    assert "CAM has the best benchmark rank of 5 methods: 1.0, 95 % CI (1.0, 1.0)" in said
    assert "first in &gt; 99.9 % of 2,000 bootstrap samples" in said
    assert "100 %" not in said
    assert "class='problem'" not in said
    intervals, ranks = app.get("plotly_chart")[:2]
    for chart in (intervals, ranks):
        assert "ORACLE" not in titles_in(chart)
        assert "SECAM" in titles_in(chart)
    assert app.selectbox(key="benchmark").value == "part_correlation"
    app.selectbox(key="benchmark").select("distractibility").run()
    assert not app.exception


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("Which metrics to trust", "of the same model"),
        ("Planted shortcut", "orchard_shortcut loses 50.0 points of accuracy"),
        ("Single scenes", "what the logit of apple (3.00 for the whole scene) loses"),
        ("Degraded heatmaps", "every step costs score"),
        ("CAM or SeCAM", "known truth: CAM is better in"),
        ("Checks", "What must hold"),
    ],
)
def test_each_tab_shows_its_part(
    open_page: Callable[..., AppTest], run: Path, tab: str, expected: str
) -> None:
    app = open_page("ground_truth")
    app.session_state["_truth"] = tab
    app.run()
    assert not app.exception
    assert expected in texts(app)


@pytest.mark.usefixtures("run")
def test_a_link_to_a_scene_leads_to_it_however_slow_the_page_is(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "SETTLING_SECONDS", 0.0)
    app = open_page("guide")
    app.switch_page(FILES["ground_truth"])
    app.query_params["scene"] = "nonsense"
    app.run()
    assert "Not found: scene nonsense. Shown instead: " in texts(app)
    assert app.selectbox(key="scene").value != "nonsense"


def test_measures_of_the_same_network_are_held_against_the_truth(
    open_page: Callable[..., AppTest],
    tables: Tables,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = tmp_path / "runs" / "shipped"
    described = manifest()
    described["metrics"] = {
        "k-s": {"spec": "single_deletion", "name": "single_deletion", "label": "Single deletion",
                "title": "Single deletion",
                "kind": "faithfulness", "higher_is_better": True},
    }  # fmt: skip
    scores = load_scores(run)
    part = scores[(scores["metric"] == "part_correlation") & (scores["method"] != "oracle")]
    rows = part.assign(metric="single_deletion", metric_key="k-s").astype(object)
    store = Store(shipped)
    store.write_manifest(Manifest.of(described))
    records = rows.where(rows.notna(), None).to_dict("records")
    store.write_scores("all", "all", ["all"], records, [])
    monkeypatch.setattr("runs.tables.SHIPPED", shipped)
    app = open_page("ground_truth")
    app.session_state["_truth"] = "Which metrics to trust"
    app.run()
    assert not app.exception
    spec = json.loads(app.get("plotly_chart")[2].proto.spec)
    assert spec["data"][0]["y"] == ["Single deletion"]
    table = tables(app)[0]
    assert list(table.columns) == [
        "Metric",
        *(b.replace("_", " ").capitalize() for b in BENCHMARKS),
    ]
    assert table.iloc[0, 1:].tolist() == ["1.000"] * 3


@pytest.mark.parametrize("is_former", [False, True])
def test_two_seeds_that_rank_the_other_way_round(
    open_page: Callable[..., AppTest],
    tables: Tables,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_former: bool,
) -> None:
    described = manifest()
    described["classifier"] |= {"name": "tiny_seed2", "fingerprint": "g"}
    if not is_former:  # the keys here are made up, so all of it is of a former code
        monkeypatch.setattr(truth_pages, "former_says", lambda described: "")
    rows = load_scores(run)
    rows = rows[rows["metric"] != "shortcut_contrast"]  # a benchmark that only one of them has
    turned = rows["method"].ne("oracle")
    rows.loc[turned, "score"] = 1 - rows.loc[turned, "score"]
    folder = tmp_path / "runs" / "ground_truth_seed2"
    store = Store(folder)
    store.write_manifest(Manifest.of(described))
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    store.write_scores("all", "all", ["all"], records, [])
    add_facts(folder, in_domain={"images": 10, "whole": 0.8})
    app = open_page("ground_truth")
    app.session_state["_truth"] = "Checks"
    app.run()
    assert not app.exception
    if is_former:
        said = html.unescape(texts(app))
        assert "is not compared with that of ground_truth_seed2. Computed before" in said
        assert len(tables(app)) == 1
        return
    table = tables(app)[1]
    assert list(table["Benchmark"]) == [
        "Part correlation",
        "Distractibility",
        "Benchmark rank over these",
    ]
    assert list(table["Kendall's τ-b"]) == ["-1.000"] * 3
    assert "3 methods' means with those on tiny_seed2" in html.unescape(texts(app))
    assert "right on 80 % of the scenes where this one is on 90 %" in texts(app)


def test_without_results_the_page_says_what_to_run(
    open_page: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folders, "SHIPPED_RUNS", tmp_path / "runs")
    monkeypatch.setattr(run_folders, "RUNS", tmp_path / "runs")
    said = texts(open_page("ground_truth"))
    assert HEADING in said
    assert "evaluate --benchmark all" in said


def test_ground_truth_runs_are_kept_out_of_the_leaderboard(run: Path) -> None:
    assert run_tables.runs() == {}
    assert list(run_tables.truth_runs()) == ["ground_truth"]


def test_shares_are_those_of_both_networks_best_contrast_first(run: Path) -> None:
    table = truth.shares(load_scores(run), load_curves(run), manifest())
    assert list(dict.fromkeys(table["name"])) == [
        "CAM", "SECAM", "SALIENCY", "LIME", "RANDOM", "ORACLE",
    ]  # fmt: skip
    cam = table[table["name"] == "CAM"]
    assert len(cam) == len(IMAGES)
    assert cam["shortcut"].tolist() == pytest.approx([0.4] * 10)
    assert cam["control"].tolist() == pytest.approx([0.05] * 10)
    assert cam["auroc"].iloc[0] == pytest.approx(0.8, abs=0.01)


def test_a_run_without_stickers_has_no_shares(run: Path) -> None:
    scores = load_scores(run)
    others = scores[scores["metric"] != "shortcut_contrast"]
    assert truth.shares(others, load_curves(run).iloc[:0], manifest()).empty


def test_ranking_table_orders_by_mean_rank_and_leaves_the_oracle_out(run: Path) -> None:
    found = truth.truth(load_scores(run), manifest(), None, None)
    table = truth.ranking_table(found)
    assert list(table["Method"]) == ["CAM", "SECAM", "SALIENCY", "LIME", "RANDOM"]
    assert list(table["Benchmark rank"]) == [1, 2, 3, 4, 5]
    assert set(found.ceilings) == set(BENCHMARKS)
    assert found.ceilings["part_correlation"] == pytest.approx(1, abs=0.01)


def test_every_column_of_the_ranking_is_in_one_group(run: Path) -> None:
    found = truth.truth(load_scores(run), manifest(), None, None)
    table = truth.ranking_table(found)
    groups = truth.ranking_groups(table, found)
    assert sorted(c for group in groups.values() for c in group) == sorted(
        table.columns.drop("Method")
    )
    assert groups["What the model uses"][0] == "Benchmark rank"


def test_checks_say_what_was_wanted_and_measured() -> None:
    facts = {
        "in_domain": {"images": 10, "whole": 0.9, "part": 0.7, "minor_part": 0.85, "lost": 0.05},
        "stickers": {"orchard_control": {"images": 80, "own": 0.8, "swapped": 0.79, "drop": 0.01}},
    }
    table = truth.check_rows(facts)
    assert list(table["Measured"]) == [
        "5.0 points (90.0 % to 85.0 %)",
        "20.0 points (90.0 % to 70.0 %)",
        "1.0 points (80.0 % to 79.0 %)",
    ]
    assert list(table["Wanted"])[::2] == ["at most 10 points", "less than 5 points"]
    assert truth.check_rows({}).empty


@pytest.mark.parametrize(("pictures", "methods", "is_said"), [(12, 22, True), (48, 22, False)])
def test_caption_says_where_n_is_too_small_for_any_claim(
    pictures: int, methods: int, is_said: bool
) -> None:
    """231 pairs: the smallest corrected p of 12 images is 231 / 2048 = 0.11."""
    said = truth_wording.benchmark_caption(
        manifest(), "part_correlation", pictures, methods, "", True
    )
    assert ("n = 12 is too small for any claim" in said) == is_said
    assert "Beware." in said
