"""The campaign in bounded form; in full by python tests/reliability/campaign.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.fuzzing import HANG_SECONDS, KINDS, MEMORY_MB, attempts
from tests.reliability.killing import kill_evaluations

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
@pytest.mark.filterwarnings("default")
def test_no_row_is_lost_or_doubled_by_kill_nine(tmp_path: Path) -> None:
    found = kill_evaluations(5, tmp_path)
    assert found.kills >= 5
    assert (found.differing, found.damaged) == (0, 0)
