"""Locks: held by one at a time, also inside one process, and freed with the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from xai_core.locks import Taken, is_locked, locked

HOLDER = """
import sys, time
from pathlib import Path
from xai_core.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        assert is_locked(path)
        with pytest.raises(Taken), locked(path, 0.05):
            pass
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert is_locked(path)
        child.kill()
        child.wait()
    assert not is_locked(path)


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "nowhere" / "lock")
    assert list(tmp_path.iterdir()) == []
