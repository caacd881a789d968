"""One call evaluates: equal to a run in a folder, and kept only where that is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.conftest import write_pictures
from xai_core.evaluation.run import RunReport
from xai_core.evaluation.tables import load_scores
from xai_core.models.classifier import Classifier
from xai_core.scoreboard import Scoreboard, evaluate

METRICS = ["single_deletion", "relevance_mass"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"), 5)


def test_scores_are_those_of_a_run_and_only_a_named_folder_stays(
    tiny_classifier: Classifier, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    unkept = evaluate(tiny_classifier, folder, ["cam", "random"], METRICS, limit=4)
    kept = evaluate(
        tiny_classifier, folder, ["cam", "random"], METRICS, limit=4, run_dir=tmp_path / "run"
    )
    columns = ["image", "method", "metric", "score"]
    pd.testing.assert_frame_equal(unkept.scores[columns], kept.scores[columns])
    pd.testing.assert_frame_equal(load_scores(tmp_path / "run"), kept.scores)
    assert kept.scores["image"].nunique() == 4
    assert list((tmp_path / "temporary").iterdir()) == []
    again = evaluate(
        tiny_classifier, folder, ["cam", "random"], METRICS, limit=4, run_dir=tmp_path / "run"
    )
    assert (again.report.computed, again.report.reused) == (0, 2)


def test_the_table_says_mean_interval_and_what_is_undefined() -> None:
    rows = [
        {"image_sha256": f"{index}", "method": "cam", "method_key": "k", "metric": "deletion",
         "metric_key": "m", "score": score, "attribute_seconds": 0.0, "score_seconds": 0.0}
        for index, score in enumerate([0.25, 0.25, 0.25, np.nan])
    ]  # fmt: skip
    manifest = {
        "methods": {
            "k": {"spec": "cam", "label": "CAM <b>"},
            "l": {"spec": "random", "label": "Random"},
        },
        "metrics": {"m": {"spec": "deletion", "label": "Deletion", "higher_is_better": False}},
    }
    board = Scoreboard(pd.DataFrame(rows), manifest, RunReport(skipped={"lime": "does not fit"}))
    page = board._repr_html_()
    assert "<th>Deletion ↓</th>" in page
    assert "<th>CAM &lt;b&gt;</th><td>0.250 [0.250, 0.250], 1 undefined</td>" in page
    assert "<th>Random</th><td>–</td>" in page
    assert "left out: does not fit" in page
