"""The sentences of the result pages, on small tables where the right one is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from frame.cards import best_of, is_any_bold
from frame.evidence import Cell
from mistakes.mistakes_wording import mistakes_say, wilson_interval
from runs.confusions import calibration, calibration_error

from xai_core import headline
from xai_core.evaluation.lead import lead, least_images
from xai_core.findings import phrases, results
from xai_core.findings.agreements import Agreements
from xai_core.findings.lead_wording import lead_says, marked, marks_say
from xai_core.findings.results import Finished
from xai_core.findings.truth_wording import (
    benchmark_caption,
    oracle_says,
    ranks_say,
    trust_says,
)
from xai_core.findings.wording import (
    agreement_says,
    board_caption,
    curves_caption,
    curves_say,
    rank_caption,
    unscored_says,
)

LABELS = {
    "cam": "CAM",
    "secam": "SeCAM",
    "lime": "LIME",
    "random": "Random",
    "grad_cam": "Grad-CAM",
}
MANIFEST: dict[str, Any] = {
    "dataset": "fruit",
    "classifier": {"name": "tiny", "fingerprint": "f", "categories": ["a", "b"]},
    "framing": "whole",
    "precision": "fp32",
    "methods": {
        m: {"spec": m, "name": m, "label": label, "settings": {},
            "family": "baseline" if m == "random" else "CAM"}
        for m, label in LABELS.items()
    },
    "metrics": {
        m: {"spec": m, "name": m, "label": m.title(), "kind": kind, "higher_is_better": higher}
        for m, kind, higher in (
            ("insertion", "faithfulness", True),
            ("deletion", "faithfulness", False),
            ("sparseness", "descriptive", None),
        )
    },
    "images": [{"sha256": str(i)} for i in range(20)],
}  # fmt: skip


def table(images: int, **means: float) -> pd.DataFrame:
    """Images x methods with exactly these means and small paired noise."""
    random = np.random.default_rng(0)
    shared = random.normal(0, 0.1, images)
    noise = {name: random.normal(0, 0.01, images) for name in means}
    return pd.DataFrame(
        {m: mean + shared - shared.mean() + noise[m] - noise[m].mean() for m, mean in means.items()}
    )


CASES = {
    "a clear winner": (
        table(40, cam=0.8, secam=0.6, random=0.2),
        None,
        [
            "On fruit (model tiny, n = 40 images), CAM has the best mean in insertion: 0.800; it "
            "ranks first in > 99.9 % of 2,000 bootstrap samples.",
            "The gap to the runner-up, SeCAM, is 0.200, 95 % CI ({low}, {high}), p < 0.001: beyond "
            "chance.",
            "Better than every null baseline: CAM and SeCAM.",
        ],
    ),
    "a tie of two": (
        table(40, cam=0.8, secam=0.8005, random=0.2),
        None,
        [
            "On fruit (model tiny, n = 40 images), SeCAM has the best mean in insertion: 0.800; it "
            "ranks first in {share} % of 2,000 bootstrap samples.",
            "It is not told apart from the runner-up, CAM: gap 0.000, 95 % CI ({low}, {high}), "
            "{p}.",
            "Better than every null baseline: SeCAM and CAM.",
        ],
    ),
    "a winner not told apart from a null baseline": (
        table(40, cam=0.5005, secam=0.1, random=0.5),
        None,
        [
            "On fruit (model tiny, n = 40 images), CAM has the best mean in insertion: 0.500; it "
            "ranks first in {share} % of 2,000 bootstrap samples.",
            "It is not told apart from the runner-up, Random (a null baseline): gap 0.000, 95 % CI "
            "({low}, {high}), {p}.",
            "CAM is not told apart from Random, which knows nothing of the model.",
            "Not told apart from at least one null baseline: CAM; worse than at least one: SeCAM.",
        ],
    ),
    "too few images": (
        table(4, cam=0.8, secam=0.6, random=0.2),
        None,
        [
            "On fruit (model tiny, n = 4 images), CAM has the best mean in insertion: 0.800.",
            "4 images are too few to tell methods apart: 2 comparisons need at least 10.",
        ],
    ),
    "an unfinished run": (
        table(8, cam=0.8, secam=0.6, random=0.2),
        Finished(8, 20),
        [
            "This run is unfinished: 8 of 20 images are scored by all methods so far; what follows "
            "may change.",
            "On fruit (model tiny, n = 8 images), CAM has the best mean in insertion: 0.800.",
            "8 images are too few to tell methods apart: 2 comparisons need at least 10.",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_leaderboard_says_what_the_tests_show(case: str) -> None:
    by_method, finished, expected = CASES[case]
    found = lead(by_method, True, ["random"])
    assert found is not None
    figures = {
        "low": f"{found.low:.3f}",
        "high": f"{found.high:.3f}",
        "p": f"p = {found.p_holm:.2g}",
        "share": f"{100 * found.share:.0f}",
    }
    assert lead_says(found, MANIFEST, "insertion", (), finished) == [
        sentence.format(**figures) for sentence in expected
    ]


def test_lower_is_better_is_told_the_right_way_round() -> None:
    found = lead(table(40, cam=0.8, secam=0.6, random=0.9), False, ["random"])
    said = " ".join(lead_says(found, MANIFEST, "deletion"))
    assert "SeCAM has the best mean in deletion: 0.600" in said
    assert "The gap to the runner-up, CAM, is 0.200" in said


def test_twins_are_named_and_a_run_without_nulls_shows_nothing() -> None:
    found = lead(table(40, cam=0.8, secam=0.6), True)
    said = lead_says(found, MANIFEST, "insertion", [("cam", "grad_cam")])
    assert "CAM = Grad-CAM has the best mean" in said[0]
    assert said[-1].startswith("No null baseline was evaluated")


@pytest.mark.parametrize(("missing", "said"), [(1, "1 image is left out"), (3, "3 images are")])
def test_it_is_said_where_a_method_has_no_score(missing: int, said: str) -> None:
    scores = table(40, cam=0.8, secam=0.6)
    scores.loc[scores.index[:missing], "secam"] = float("nan")
    assert lead_says(lead(scores, True), MANIFEST, "insertion")[1].startswith(said)


def test_a_description_has_no_winner() -> None:
    assert lead_says(None, MANIFEST, "sparseness") == [
        "Sparseness describes maps; it does not say which is better."
    ]


def test_sampled_methods_are_marked_and_a_leader_among_them_is_named() -> None:
    agreements = {"lime": 0.62, "secam": None}
    assert marked("LIME", "lime", agreements) == "LIME †"
    assert marked("SeCAM", "secam", agreements) == "SeCAM ‡"
    assert marked("CAM", "cam", agreements) == "CAM"
    assert marked("LIME", "lime", {"lime": 0.95}) == "LIME"
    assert "LIME 0.62" in marks_say(agreements, MANIFEST)
    assert marks_say({"lime": 0.95}, MANIFEST) == ""
    found = lead(table(40, lime=0.8, cam=0.6, random=0.2), True, ["random"])
    said = lead_says(found, MANIFEST, "insertion", agreements=agreements)[-1]
    assert said.startswith("LIME draws samples, and two seeds of it agree to 0.62 only")


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "> 99.9 %"), (0.9995, "> 99.9 %"), (0.997, "99.7 %"), (0.97, "97 %"), (0.0, "< 0.1 %")],
)
def test_no_share_of_bootstrap_samples_is_certain(share: float, words: str) -> None:
    assert phrases.bootstrap_share(share) == words


def test_p_near_the_threshold_keeps_its_side() -> None:
    assert [phrases.p_value(p) for p in (0.0498, 0.0504, 1e-5, 0.2)] == [
        "p = 0.0498", "p = 0.0504", "p < 0.001", "p = 0.2",
    ]  # fmt: skip


def test_captions_name_only_what_is_drawn() -> None:
    board = results.Board(pd.DataFrame(), pd.DataFrame(), (), 12)
    drawn = board_caption(board, MANIFEST, True, True)
    assert "Dashed: the best null baseline." in drawn
    assert "Grey bars" in drawn
    bare = board_caption(board, MANIFEST, False, False)
    assert "Dashed" not in bare
    assert "Grey bars" not in bare
    assert "Fruit (model tiny, n = 12 images), fp32, preprocessing: resize." in bare
    assert "Dashed" not in benchmark_caption(MANIFEST, "insertion", 9, 3, "", False)
    both = pd.DataFrame({"curve": ["morf", "lerf"], "n": 5})  # one chart each, none dashed
    assert "Dashed" not in curves_caption(both)


def test_the_oracle_is_an_upper_bound_only_where_no_method_passes_it() -> None:
    means = pd.Series([0.3, 0.6])
    assert "(upper bound)" in oracle_says(means, 0.6, True)
    assert "no upper bound" in oracle_says(means, 0.5, True)
    assert "(upper bound)" in oracle_says(means, 0.3, False)
    assert "no upper bound" in oracle_says(means, 0.4, False)
    assert oracle_says(means, None, True) == ""


def test_what_is_left_of_the_probability_is_said_the_right_way_round() -> None:
    """A leaves 0.1 when its most relevant pixels go and keeps 0.9 when its least relevant do."""
    points = [("a", "morf", 0.1), ("b", "morf", 0.5), ("a", "lerf", 0.9), ("b", "lerf", 0.6)]
    rows = pd.DataFrame(
        [{"method": m, "curve": c, "fraction": 0.2, "mean": y, "low": y - 0.05, "high": y + 0.05,
          "n": 30} for m, c, y in points]
    )  # fmt: skip
    said = curves_say(rows, "symmetric_relevance_gain", {"a": "A", "b": "B"}, MANIFEST)[0]
    assert "with the most relevant gone, A leaves least: 0.10, 95 % CI (0.05, 0.15)" in said
    assert "with the least relevant gone, A keeps most: 0.90, 95 % CI (0.85, 0.95)" in said


def test_equal_methods_are_one_line_with_both_names() -> None:
    rows = pd.DataFrame({"method": ["a", "b", "c"], "mean": [1.0, 2.0, 1.0]})
    names = {"a": "A", "b": "B", "c": "C", "d": "D"}
    merged, titles = results.merged(rows, [("a", "c", "d"), ("b", "d")], names)
    assert list(merged["method"]) == ["a", "b"]
    assert titles == {**names, "a": "A = C"}
    assert names["a"] == "A"


@pytest.mark.parametrize(
    ("high", "images", "claims"), [(-0.2, 40, True), (0.3, 40, False), (-0.2, 4, False)]
)
def test_winning_by_losing_is_claimed_only_where_the_interval_excludes_0(
    high: float, images: int, claims: bool
) -> None:
    names = ["insertion", "deletion"]
    taus = pd.DataFrame([[1, -0.5], [-0.5, 1]], index=names, columns=names)
    intervals = np.full((2, 2, 2), -0.9)
    intervals[..., 1] = high
    within = pd.DataFrame({"w": [0.4], "low": [0.3], "high": [0.5], "n": images}, index=names[:1])
    said = " ".join(agreement_says(Agreements(taus, intervals, within, 5, images), MANIFEST))
    assert f"fruit (model tiny, n = {images} images)" in said
    assert ("by losing the other" in said) == claims


def trusted(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["metric", "tau", "p_holm"]).assign(
        low=-0.1, high=0.9, methods=12
    )


def test_only_metrics_that_survive_holm_agree_with_the_known_truth() -> None:
    names = {"a": "IROF", "b": "ROAD", "c": "deletion"}
    said = trust_says(trusted(("a", 0.7, 0.01), ("b", 0.4, 0.06), ("c", -0.6, 0.02)), names)
    assert said == [
        "IROF ranks 12 methods as the known truth does, beyond chance (Holm).",
        "Deletion ranks 12 methods against the known truth, beyond chance (Holm).",
    ]
    nothing = trust_says(trusted(("a", 0.68, 0.06), ("b", 0.4, 0.3)), names)
    assert nothing == [
        "None of 2 metrics is shown to rank 12 methods (null baselines out, CAM's variants once) "
        "as the known truth does; the nearest is IROF (τ-b = 0.68, 95 % CI (-0.10, 0.90), p = 0.06 "
        "after Holm)."
    ]


def test_the_best_benchmark_rank_has_its_interval_its_share_and_its_twins() -> None:
    ranks = pd.DataFrame(
        {"rank": [1.5, 2.0], "low": [1.0, 1.2], "high": [2.5, 2.8], "first": [0.4, 0.6]},
        index=["cam", "secam"],
    )
    said = ranks_say(ranks, 3, MANIFEST, [12, 48], [("cam", "grad_cam")])
    assert said == [
        "On fruit (model tiny, n = 12 to 48 images) and over 3 benchmarks, CAM = Grad-CAM has the "
        "best benchmark rank of 2 methods: 1.5, 95 % CI (1.0, 2.5); it ranks first in 40 % of "
        "2,000 bootstrap samples.",
        "SeCAM ranks first in more of them: 60 %.",
    ]
    assert "too few" in ranks_say(ranks, 3, MANIFEST, [4], ())[0]


def test_the_headline_rank_is_over_the_declared_metrics_only() -> None:
    metrics = [*headline.RANKED, "insertion"]
    ranks = pd.DataFrame({m: [1.0, 2.0] for m in metrics}, index=["cam", "secam"])
    ranks["insertion"] = [90.0, 1.0]
    summary = pd.DataFrame(
        [(m, metric, 0.5, 1.0) for m in ranks.index for metric in metrics],
        columns=["method", "metric", "mean", "attribute_seconds"],
    )
    described = {"methods": MANIFEST["methods"], "metrics": {
        m: {"spec": m, "name": m, "label": m, "kind": "faithfulness", "higher_is_better": True}
        for m in metrics
    }}  # fmt: skip
    found = results.mean_table(results.Board(summary, ranks, (), 9), described)
    assert dict(found["Headline rank"]) == {"cam": 1.0, "secam": 2.0}
    assert "Mean rank" not in found
    without = results.Board(summary, ranks[["insertion"]], (), 9)
    assert "Headline rank" not in results.mean_table(without, described)


def test_the_headline_rank_names_only_metrics_that_the_run_has() -> None:
    ranks = pd.DataFrame({m: [1.0, 2.0] for m in headline.RANKED}, index=["cam", "secam"])
    said = rank_caption(results.Board(pd.DataFrame(), ranks, (), 9))
    assert "the mean, over symmetric relevance gain and single deletion, of" in said
    said = rank_caption(results.Board(pd.DataFrame(), ranks[["single_deletion"]], (), 9))
    assert "in single deletion, the only headline metric here" in said
    assert "relevance gain" not in said


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ((0.50, 0.60), {"secam"}),
        ((0.599, 0.600), set()),
        ((0.60, None), set()),
        ((0.60, 0.60), set()),
    ],
)
def test_no_best_on_one_image_by_a_hair_or_from_missing_scores(
    values: tuple[float, float | None], best: set[str]
) -> None:
    cells = [
        Cell(method, 0, np.ones((2, 2)), scores={"insertion": value})
        for method, value in zip(("cam", "secam"), values, strict=True)
    ]
    found = best_of(cells, ["insertion"])
    assert {method for method, metrics in found.items() if metrics} == best


def test_bold_is_explained_only_where_something_is_bold() -> None:
    def cells(*values: tuple[int, str, float | None]) -> list[Cell]:
        return [Cell(m, target, scores={"insertion": value}) for target, m, value in values]

    assert not is_any_bold([])
    assert not is_any_bold(cells((0, "cam", 0.5), (0, "secam", None)))
    assert not is_any_bold(cells((0, "cam", 0.5), (0, "secam", 0.5)))
    assert not is_any_bold(cells((0, "cam", 0.5), (1, "cam", 0.7)))  # of different classes
    assert is_any_bold(cells((0, "cam", 0.5), (0, "secam", 0.5), (1, "cam", 0.5), (1, "lime", 0.7)))


def test_equal_maps_share_the_first_place_and_failed_methods_do_not_count() -> None:
    cells = [
        Cell("cam", 0, np.ones((2, 2)), scores={"deletion": 0.1}),
        Cell("grad_cam", 0, np.ones((2, 2)), scores={"deletion": 0.1}),
        Cell("secam", 0, np.ones((2, 2)), scores={"deletion": 0.3}),
        Cell("lrp", 0, error="not supported"),
    ]
    found = best_of(cells, ["deletion"])
    assert [m for m, metrics in found.items() if metrics] == ["cam", "grad_cam"]


def test_calibration_is_told_over_bins_of_enough_images_only() -> None:
    def images(*counts: int) -> pd.DataFrame:
        sure = np.repeat([0.15, 0.55, 0.95][: len(counts)], counts)
        return pd.DataFrame({"label": 0, "predicted": 0, "probability": sure})

    assert list(calibration(images(1, 30, 12))["enough"]) == [False, True, True]
    error = calibration_error(calibration(images(0, 30, 10)))
    assert error == pytest.approx((30 * 0.45 + 10 * 0.05) / 40)
    assert calibration_error(calibration(images(1, 1, 30))) is None


def test_mistakes_name_data_set_model_and_n() -> None:
    rows = pd.DataFrame({"label": [0] * 12, "predicted": [0] * 9 + [1] * 3, "probability": 0.9})
    low, high = wilson_interval(9, 12)
    assert mistakes_say(rows, ["pear", "apple"], MANIFEST) == [
        "On fruit (model tiny, n = 12 images), the model is right on 9: 75.0 %, 95 % CI "
        f"({100 * low:.1f}, {100 * high:.1f}).",
        "Most frequent confusion: pear → apple (3).",
        "Most confident error: probability 90.0 %.",
    ]
    assert "too few images" in mistakes_say(rows.head(5), ["pear", "apple"], MANIFEST)[0]


def test_wilsons_interval_is_its_formula() -> None:
    p, n, z = 0.75, 12, 1.959963984540054
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson_interval(9, 12) == pytest.approx((middle - half, middle + half))


def test_a_stopped_run_counts_the_images_that_all_methods_have() -> None:
    rows = [(str(i), m) for i in range(8) for m in LABELS] + [(str(i), "cam") for i in range(8, 15)]
    scores = pd.DataFrame(rows, columns=["image_sha256", "method"])
    assert results.finished(scores, MANIFEST, "cancelled") == Finished(8, 20)
    assert results.finished(scores, MANIFEST | {"asked": 30}, "running") == Finished(8, 30)
    assert results.finished(scores, MANIFEST, "done") is None
    assert results.finished(scores, MANIFEST, "") is None


def test_the_defaults_of_an_evaluation_hold_null_baselines() -> None:
    from xai_core.command_line.evaluate import EVALUATED_METHODS

    assert set(headline.NULLS) <= set(EVALUATED_METHODS)
    assert headline.NULLS == ("random", "center_gaussian")


def test_n_that_can_show_nothing_grows_with_the_tests() -> None:
    assert least_images(1) == 10 < least_images(45) < least_images(231)


def test_methods_without_a_score_are_named_with_the_reason() -> None:
    rows = [("cam", "insertion", 0.5), ("lime", "deletion", 0.5), ("secam", "insertion", np.nan),
            ("grad_cam", "deletion", 0.5), ("cam", "deletion", 0.5)]  # fmt: skip
    summary = pd.DataFrame(rows, columns=["method", "metric", "mean"])
    board = results.Board(summary, pd.DataFrame(), (), 9)
    assert unscored_says(board, MANIFEST, "insertion") == (
        "Not shown: LIME and Grad-CAM (not evaluated on these images); "
        "SeCAM (undefined on each of these images)."
    )
    without = results.Board(
        summary[summary["metric"] == "insertion"].dropna(), pd.DataFrame(), (), 9
    )
    assert unscored_says(without, MANIFEST, "insertion") == ""
