import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xai_core.ground_truth import verdict

BENCHMARKS = {"part_correlation": True, "distractibility": False}
METRICS = {"single_deletion": True, "deletion": False, "flat": True}
METHODS = ("cam", "occlusion", "lime", "sobel", "random", "oracle")


def run(quality: dict[str, dict[str, float]], directions: dict[str, bool], kind: str):
    """Scores of 12 images with the given means, and the manifest that describes them."""
    random = np.random.default_rng(0)
    rows = [
        {"image_sha256": str(i), "method": m, "metric": metric, "score": value + noise}
        for metric, by_method in quality.items()
        for m, value in by_method.items()
        for i, noise in enumerate(random.normal(0, 1e-3, 12))
    ]
    metrics = {
        name: {"spec": name, "label": name.title(), "kind": kind, "higher_is_better": higher}
        for name, higher in directions.items()
    }
    methods = {m: {"spec": m, "label": m.upper()} for m in METHODS}
    return pd.DataFrame(rows), {"metrics": metrics, "methods": methods}


@pytest.fixture
def truth():
    """cam best, then occlusion, lime, sobel, random in both benchmarks; the oracle above all."""
    order = dict(zip(METHODS, (0.5, 0.4, 0.3, 0.2, 0.1, 1.0), strict=True))
    worse = {m: 1 - value for m, value in order.items()}
    return run({"part_correlation": order, "distractibility": worse}, BENCHMARKS, "ground truth")


@pytest.fixture
def metrics():
    """single_deletion ranks as the truth does; deletion, lower is better, the other way round."""
    order = dict(zip(METHODS[:5], (5.0, 4.0, 3.0, 2.0, 1.0), strict=True))
    mixed = dict(zip(METHODS[:5], (1.0, 3.0, 1.5, 3.5, 2.0), strict=True))
    return run(
        {"single_deletion": order, "deletion": order, "flat": mixed}, METRICS, "faithfulness"
    )


def test_means_are_turned_and_the_oracle_is_no_competitor(truth):
    means = verdict.truth_means(*truth)
    assert list(means.columns) == ["part_correlation", "distractibility"]
    assert "oracle" not in means.index
    assert means.loc["cam", "distractibility"] == pytest.approx(-0.5, abs=1e-2)
    ranking = verdict.truth_ranking(means)
    assert ranking.to_dict() == {"cam": 1, "occlusion": 2, "lime": 3, "sobel": 4, "random": 5}


def test_methods_that_coincide_are_counted_once(truth):
    scores, manifest = truth
    twin = scores[scores["method"] == "cam"].assign(method="grad_cam")
    means = verdict.truth_means(pd.concat([scores, twin]), manifest)
    assert "grad_cam" not in means.index
    assert verdict.truth_ranking(means)["random"] == 5


def test_a_method_without_all_benchmarks_is_not_ranked(truth):
    scores, manifest = truth
    part = (scores["method"] == "lime") & (scores["metric"] == "distractibility")
    ranking = verdict.truth_ranking(verdict.truth_means(scores[~part], manifest))
    assert "lime" not in ranking
    assert ranking["random"] == 4


def test_trust_is_one_for_the_same_order_and_minus_one_for_the_reverse(truth, metrics):
    table = verdict.trust(verdict.truth_means(*truth), *metrics).set_index("metric")
    assert table["tau"]["single_deletion"] == pytest.approx(1)
    assert table["tau"]["deletion"] == pytest.approx(-1)
    expected = stats.kendalltau([5, 4, 3, 2, 1], [1, 3, 1.5, 3.5, 2])
    assert table["tau"]["flat"] == pytest.approx(expected.statistic)
    assert table["p_value"]["flat"] == pytest.approx(expected.pvalue)
    assert (table["methods"] == 5).all()
    assert list(table.index) == ["single_deletion", "flat", "deletion"]
    assert (table["low"] <= table["tau"] + 1e-12).all()
    assert (table["tau"] <= table["high"] + 1e-12).all()


def test_intervals_of_tau_are_quantiles_of_scipys_over_the_same_draws():
    pair = np.random.default_rng(1).integers(0, 9, (7, 2)).astype(float)
    draws = np.random.default_rng(0).integers(0, 7, (200, 7))
    taus = [stats.kendalltau(*pair[draw].T).statistic for draw in draws]
    expected = np.nanquantile(taus, [0.025, 0.975])
    assert verdict._interval(pair, 200) == pytest.approx(tuple(expected))


def test_trust_by_benchmark_has_each_pair(truth, metrics):
    table = verdict.trust_by_benchmark(verdict.truth_means(*truth), *metrics)
    assert list(table.columns) == ["part_correlation", "distractibility"]
    assert table.loc["single_deletion"].tolist() == pytest.approx([1, 1])
    assert table.loc["deletion"].tolist() == pytest.approx([-1, -1])


def test_seeds_agree_with_themselves_and_not_with_the_reverse(truth):
    means = verdict.truth_means(*truth)
    assert verdict.seed_agreement(means, means)["tau"].tolist() == pytest.approx([1, 1, 1])
    assert verdict.seed_agreement(means, -means)["tau"]["all"] == pytest.approx(-1)
    more = means.assign(only_here=means.iloc[::-1, 0].to_numpy())
    assert verdict.seed_agreement(more, means)["tau"].tolist() == pytest.approx([1, 1, 1])
    assert verdict.seed_agreement(means.iloc[:2], means)["tau"].isna().all()


def test_seeds_that_turn_one_pair_round_agree_in_all_others():
    first = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6]}, index=list("uvwxyz"))
    second = first.assign(a=[2.0, 1, 3, 4, 5, 6])  # 14 of 15 pairs stand as they stood
    found = verdict.seed_agreement(first, second).loc["a"]
    assert found["tau"] == pytest.approx(13 / 15)
    assert found["low"] < found["tau"] <= found["high"]


def test_nulls_and_variants_do_not_judge_metrics():
    methods = ["cam", "secam", "secam_grid", "secam[segments=9]", "lime", "lime[samples=9]", "null"]
    manifest = {"methods": {m: {"spec": m, "family": "CAM"} for m in methods}}
    manifest["methods"]["null"]["family"] = "baseline"
    assert verdict.counted(methods, manifest) == ["cam", "lime"]


def test_a_metric_that_only_tells_nulls_from_methods_agrees_with_nothing(truth, metrics):
    """With the nulls in, tau would be positive; without them it is the reverse order."""
    scores, described = metrics
    for name in ("sobel", "random"):
        described["methods"][name]["family"] = "baseline"
    turned = {"cam": 3.0, "occlusion": 4.0, "lime": 5.0, "sobel": 1.0, "random": 0.0}
    only = scores[scores["metric"] == "single_deletion"]
    only = only.assign(score=only["method"].map(turned))
    table = verdict.trust(verdict.truth_means(*truth), only, described).set_index("metric")
    assert table["tau"]["single_deletion"] == pytest.approx(-1)
    assert table["methods"]["single_deletion"] == 3


def test_p_values_of_metrics_are_corrected_together(truth, metrics):
    table = verdict.trust(verdict.truth_means(*truth), *metrics)
    raw = np.sort(table["p_value"])
    expected = np.minimum(1, np.maximum.accumulate(raw * [3, 2, 1]))
    assert np.sort(table["p_holm"]) == pytest.approx(expected)


def test_a_clear_order_holds_in_every_bootstrap_sample(truth):
    table = verdict.benchmark_ranks(*truth, resamples=50)
    assert table["rank"].tolist() == table["low"].tolist() == table["high"].tolist()
    assert table["first"].tolist() == [1, 0, 0, 0, 0]


def test_two_methods_that_win_on_half_of_the_images_share_the_first_place(truth):
    """Bootstrap shares against plain resampling with the same draws."""
    scores, manifest = truth
    even = scores["image_sha256"].astype(int) % 2 == 0
    for method, high in (("cam", even), ("occlusion", ~even)):
        for metric, sign in (("part_correlation", 1), ("distractibility", -1)):
            cell = (scores["method"] == method) & (scores["metric"] == metric)
            scores.loc[cell, "score"] = sign * np.where(high[cell], 1.0, 0.5)
    table = verdict.benchmark_ranks(scores, manifest, resamples=200)
    draws = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), 200)
    order = sorted(scores["image_sha256"].unique())
    is_even = np.array([int(name) % 2 == 0 for name in order])
    evens = draws @ is_even
    expected = np.where(evens > 6, 1, np.where(evens == 6, 0.5, 0)).mean()
    assert table["first"]["cam"] == pytest.approx(expected)
    assert table["first"].sum() == pytest.approx(1)


def test_a_variant_of_a_benchmark_is_not_counted_twice(truth):
    means = verdict.truth_means(*truth)
    turned = means.assign(**{"part_correlation[per_pixel=true]": -means["part_correlation"]})
    assert verdict.truth_ranking(turned).equals(verdict.truth_ranking(means))


def test_result_pages_need_no_torch():
    code = (
        "import sys\n"
        "from xai_core.ground_truth import facts, scene_book, verdict\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
