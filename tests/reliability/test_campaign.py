"""The campaign in bounded form; in full by python tests/reliability/campaign.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reliability.crowding import crowd
from tests.reliability.fuzzing import HANG_SECONDS, KINDS, MEMORY_MB, attempts
from tests.reliability.killing import KINDS as KILLED
from tests.reliability.killing import kill
from tests.reliability.lasting import last

KILLS = {"train": 3, "explain": 3, "report": 3, "worker": 2, "page server": 1}
CASES = {"images": 300, "checkpoints": 200, "cards": 60, "run_folders": 80}


@pytest.mark.reliability
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.filterwarnings("default")
def test_damaged_input_gives_one_sentence_and_nothing_worse(kind: str, tmp_path: Path) -> None:
    outcome = attempts(kind, CASES.get(kind, 200), tmp_path)
    assert outcome.faults == []
    assert outcome.cases > 0
    assert outcome.slowest < HANG_SECONDS
    assert outcome.peak_mb < MEMORY_MB


@pytest.mark.reliability
@pytest.mark.parametrize("kind", KILLED)
def test_nothing_is_lost_doubled_or_left_over_by_kill_nine(kind: str) -> None:
    wanted = KILLS.get(kind, 5)
    found = kill(kind, wanted)
    print(found)
    assert found.kills >= wanted
    assert (found.differing, found.damaged) == (0, 0)


@pytest.mark.reliability
def test_visitors_at_once_are_shown_what_one_alone_is_shown() -> None:
    found = crowd(4, 20)
    print(f"p50 {found.quantile(0.5):.2f} s, p99 {found.quantile(0.99):.2f} s")
    assert found.maps > 0
    assert (found.wrong, found.exceptions, found.failures) == (0, 0, [])


@pytest.mark.reliability
def test_long_life_leaves_no_hooks_and_no_memory() -> None:
    found = last(80, 42)
    print(found)
    assert found.hooks_after == found.hooks_before
    assert found.late_mb < found.early_mb + 150  # an upload's worth; 64 more explanations
    assert found.pages_late_mb < found.pages_early_mb + 150


def test_the_tests_that_readme_names_are_there() -> None:
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", readme)
    assert len(named) >= 13
    root = Path(__file__).resolve().parents[2]
    missing = [f"{file}::{test}" for file, test in named
               if f"def {test}(" not in (root / file).read_text(encoding="utf-8")]  # fmt: skip
    assert missing == []
