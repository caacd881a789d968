"""The public face: quick to import, complete, and its example runs."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import xai_core

ROOT = Path(__file__).resolve().parent.parent


def test_the_example_runs() -> None:
    tried = doctest.testmod(
        xai_core, extraglobs={n: getattr(xai_core, n) for n in xai_core.__all__}
    )
    assert tried.attempted == 8
    assert tried.failed == 0


def test_importing_loads_no_torch() -> None:
    code = "import sys, xai_core; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False False\n"


def test_every_public_name_is_there_and_none_is_hidden() -> None:
    for name in xai_core.__all__:
        assert getattr(xai_core, name) is not None
    assert set(xai_core._HOMES) | {"DATA"} == set(xai_core.__all__)
    assert set(dir(xai_core)) == set(xai_core.__all__)
    with pytest.raises(AttributeError, match="no attribute 'explane'"):
        _ = xai_core.explane
