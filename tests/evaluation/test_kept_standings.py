"""Kept standings are those that would be computed again, of exactly these tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from xai_core import DATA
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.tables import load_scores
from xai_core.findings import kept_standings as kept
from xai_core.findings import results

SHIPPED = DATA / "runs" / "shipped"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    without = shutil.ignore_patterns(kept.FILE, "gallery", "features")
    return Path(shutil.copytree(SHIPPED, tmp_path / "run", ignore=without))


def all_at_once(run_dir: Path) -> kept.Standings:
    """From all rows in one table, as pages compute what is not kept."""
    scores, manifest = load_scores(run_dir), load_manifest(run_dir).as_dict()
    board, of = results.board(scores, manifest), {}
    for metric in results.metrics_of(manifest):
        by_method = results.compared(scores, manifest, metric, board.same)
        higher = bool(results.is_higher_better(metric, manifest))
        of[metric] = results.standing(by_method, higher, results.nulls_of(manifest))
    return kept.Standings(board, of)


def assert_same(found: object, expected: object) -> None:
    """Equal but for the last digits: sums of other columns beside are rounded otherwise."""
    if isinstance(expected, pd.DataFrame):
        assert isinstance(found, pd.DataFrame)
        pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-14)
    elif isinstance(expected, pd.Series):
        assert isinstance(found, pd.Series)
        pd.testing.assert_series_equal(found, expected, check_exact=True)
    elif hasattr(expected, "__dataclass_fields__"):
        assert type(found) is type(expected)
        for name, part in vars(expected).items():
            assert_same(getattr(found, name), part)
    else:
        assert found == expected


def test_what_was_kept_is_what_would_be_computed(run_dir: Path) -> None:
    expected = all_at_once(run_dir)
    assert kept.kept_standings(run_dir) is None
    kept.keep_standings(run_dir)
    found = kept.kept_standings(run_dir)
    assert found is not None
    assert_same(found.board, expected.board)
    assert list(found.of) == list(expected.of)
    assert any(test and lead for test, lead in found.of.values())
    for pair, others in zip(found.of.values(), expected.of.values(), strict=True):
        for one, other in zip(pair, others, strict=True):
            assert_same(one, other)


def test_a_metric_without_scores_and_one_of_two_keys_change_nothing(run_dir: Path) -> None:
    scores, manifest = load_scores(run_dir), load_manifest(run_dir).as_dict()
    first, *_, last = manifest["metrics"]

    def standings(missing: str = "") -> kept.Standings:
        used = scores[scores["metric"] != missing]
        return kept.standings_of(lambda metric: used[used["metric"] == metric], manifest)

    expected = standings().board.summary
    manifest["metrics"]["other key"] = dict(manifest["metrics"][first])
    pd.testing.assert_frame_equal(standings().board.summary, expected)
    spec = manifest["metrics"][last]["spec"]
    without = standings(spec).board.summary
    assert dict(without.dtypes) == dict(expected.dtypes)
    rest = expected[expected["metric"] != spec].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, rest)
    assert standings(spec).of[spec] == (None, None)


@pytest.mark.parametrize("name", ["parts.jsonl", "manifest.json"])
def test_of_other_tables_none_are_kept(run_dir: Path, name: str) -> None:
    kept.keep_standings(run_dir)
    with (run_dir / name).open("a") as file:
        file.write("\n")
    assert kept.kept_standings(run_dir) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"of_tables": 3}', "half"])
def test_damaged_ones_are_as_good_as_none(run_dir: Path, content: str) -> None:
    kept.keep_standings(run_dir)
    path = run_dir / kept.FILE
    path.write_text(
        path.read_text()[: len(path.read_text()) // 2] if content == "half" else content
    )
    assert kept.kept_standings(run_dir) is None


@pytest.mark.parametrize("name", ["shipped", "photos"])
def test_the_shipped_ones_are_what_would_be_computed(name: str) -> None:
    """To the last digits but four: other processors add in another order."""
    run_dir = DATA / "runs" / name
    found = kept.kept_standings(run_dir)
    assert found is not None, f"run python -m xai_core evaluate again for {run_dir}"
    expected = all_at_once(run_dir)
    pd.testing.assert_frame_equal(found.board.summary, expected.board.summary, rtol=1e-12)
    assert {metric: lead and lead.means.index[0] for metric, (_, lead) in found.of.items()} == {
        metric: lead and lead.means.index[0] for metric, (_, lead) in expected.of.items()
    }
