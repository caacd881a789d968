"""Contrasts on made-up scores whose answer is known, and the sentences they become."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawing import charts

from xai_core.evaluation.contrast import contrast, gains_over_all
from xai_core.findings.superpixel_wording import superpixel_answer

METRICS = {
    "a": {"spec": "deletion", "kind": "faithfulness", "higher_is_better": False},
    "b": {"spec": "insertion", "kind": "faithfulness", "higher_is_better": True},
    "c": {"spec": "sparseness", "kind": "descriptive", "higher_is_better": None},
}
MANIFEST: dict[str, Any] = {"metrics": METRICS, "methods": {}}


def scores(means: dict[str, dict[str, float]], images: int = 40) -> pd.DataFrame:
    """Scores with equal noise for all methods, so that differences of means are exact."""
    random = np.random.default_rng(0)
    rows = []
    for metric in ("deletion", "insertion", "sparseness"):
        noise = random.normal(0, 0.1, images)
        for method, by_metric in means.items():
            own = random.normal(0, 0.01, images)
            for image in range(images):
                value = by_metric.get(metric, 0.5) + noise[image] + own[image] - own.mean()
                rows.append(
                    {
                        "image_sha256": str(image),
                        "method": method,
                        "metric": metric,
                        "score": value,
                    }
                )
    return pd.DataFrame(rows)


def test_gain_is_the_paired_difference_turned_to_the_better_side() -> None:
    found = contrast(
        scores({"secam": {"deletion": 0.4}, "cam": {"deletion": 0.5}}), MANIFEST, "secam", "cam"
    )
    assert found is not None
    row = found.table.set_index("metric").loc["deletion"]
    assert row["gain"] == pytest.approx(0.1)
    assert row["low"] < 0.1 < row["high"]
    assert row["wins"] == row["n"] == 40
    assert found.better() == ["deletion"]
    assert found.undecided() == ["insertion"]
    assert "sparseness" not in set(found.table["metric"])


def test_contrast_turns_around() -> None:
    data = scores({"secam": {"insertion": 0.4}, "cam": {"insertion": 0.6}})
    there, back = (contrast(data, MANIFEST, *pair) for pair in (("secam", "cam"), ("cam", "secam")))
    assert there is not None
    assert back is not None
    np.testing.assert_allclose(there.table["gain"], -back.table["gain"])
    assert there.worse() == back.better() == ["insertion"]


def test_missing_method_gives_none() -> None:
    assert contrast(scores({"cam": {}}), MANIFEST, "secam", "cam") is None


def test_gain_over_all_needs_every_control() -> None:
    data = scores(
        {
            "secam": {"deletion": 0.3, "insertion": 0.6},
            "cam_nearest": {"deletion": 0.4, "insertion": 0.5},
            "secam_grid": {"deletion": 0.2, "insertion": 0.5},
        }
    )
    gained, found = gains_over_all(data, MANIFEST, "secam", ("cam_nearest", "secam_grid", "other"))
    assert gained == ["insertion"]
    assert found == ["cam_nearest", "secam_grid"]


MANIFEST_OF_RUN = MANIFEST | {
    "dataset": "fruit",
    "classifier": {"name": "tiny"},
    "methods": {
        m: {"spec": m, "label": m, "family": "baseline" if m == "random" else "CAM"}
        for m in ("cam", "secam", "cam_nearest", "random")
    },
}
NULL = {"deletion": 0.9, "insertion": 0.1}


@pytest.mark.parametrize(
    ("secam", "finding", "advice"),
    [
        (
            {"deletion": 0.3},
            "SeCAM is better in deletion, no difference is shown in 1 more.",
            "to show what the model uses take SeCAM.",
        ),
        (
            {"deletion": 0.7},
            "CAM is better in deletion, no difference is shown in 1 more.",
            "to show what the model uses take CAM.",
        ),
        (
            {"deletion": 0.7, "insertion": 0.8},
            "SeCAM is better in insertion, CAM is better in deletion.",
            "take CAM, the simpler one: the metrics contradict one another.",
        ),
        (
            {},
            "no difference is shown in deletion and insertion.",
            "take CAM, the simpler one: no difference is shown.",
        ),
    ],
)
def test_the_verdict_is_two_lines_that_say_what_the_data_say(
    secam: dict[str, float], finding: str, advice: str
) -> None:
    data = scores({"secam": secam, "cam": {}, "random": NULL})
    first, second = superpixel_answer([(data, MANIFEST_OF_RUN)]).sentences
    assert first == f"On fruit (model tiny, n = 40 images), trusted faithfulness: {finding}"
    assert second.startswith("Recommendation: ")
    assert second.endswith(advice)


def test_a_metric_in_which_a_null_baseline_is_as_good_decides_nothing() -> None:
    blob = {"deletion": 0.3, "insertion": 0.1}
    data = scores({"secam": {"deletion": 0.3}, "cam": {}, "random": blob})
    answer = superpixel_answer([(data, MANIFEST_OF_RUN)])
    groups = dict(zip(answer.table["metric"], answer.table["group"], strict=True))
    assert groups == {"insertion": "Trusted faithfulness", "deletion": "Not informative here"}
    assert "1 of 2 metrics are not informative here" in answer.sentences[0]
    assert "take CAM, the simpler one" in answer.sentences[1]


def test_localisation_and_known_truth_are_told_apart_from_faithfulness() -> None:
    kinds = {"deletion": "localisation", "insertion": "ground truth"}
    metrics = {k: m | {"kind": kinds.get(m["spec"], m["kind"])} for k, m in METRICS.items()}
    data = scores({"secam": {"deletion": 0.3, "insertion": 0.2}, "cam": {}, "random": NULL})
    first, second = superpixel_answer([(data, MANIFEST_OF_RUN | {"metrics": metrics})]).sentences
    assert "localisation: SeCAM is better in deletion; known truth: CAM is better in inser" in first
    assert "uses take CAM; for the object's outline take SeCAM." in second


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ({"deletion": 0.2}, "SeCAM is better than all of its controls in no informative metric"),
        ({"deletion": 0.6}, "SeCAM is better than all of its controls in deletion only"),
    ],
)
def test_what_superpixels_add_is_what_no_control_has(control: dict[str, float], words: str) -> None:
    data = scores({"secam": {"deletion": 0.3}, "cam": {}, "cam_nearest": control, "random": NULL})
    assert superpixel_answer([(data, MANIFEST_OF_RUN)]).controls.startswith(words)


def test_few_images_and_missing_methods_give_no_verdict() -> None:
    few = scores({"secam": {"deletion": 0.3}, "cam": {}}, images=5)
    assert superpixel_answer([(few, MANIFEST_OF_RUN)]).sentences == [
        "On fruit (model tiny, n = 5 images): too few images to tell CAM and SeCAM apart."
    ]
    alone = superpixel_answer([(scores({"cam": {}}), MANIFEST_OF_RUN)])
    assert alone.sentences == ["This run does not hold both CAM and SeCAM."]


def test_the_charts_colours_say_what_the_sentences_say() -> None:
    """An interval beside 0 is grey where Holm's p leaves the question open."""
    table = pd.DataFrame(
        {
            "gain": [0.2, 0.2, -0.2],
            "low": [0.1, 0.1, -0.3],
            "high": [0.3, 0.3, -0.1],
            "deviation": [1.0, 0.0, 0.5],
            "p_holm": [0.2, 0.01, 0.01],
            "n": 9,
        }
    )
    (points,) = charts.draw_gains(table, ["a", "b", "c"], "first", "second").data
    assert points.marker.color == (charts.MUTED, charts.WARM, charts.ACCENT)
    np.testing.assert_allclose(points.x, [0.2, 0.2, -0.4])
    np.testing.assert_allclose(points.error_x.array, [0.1, 0.1, 0.2])
