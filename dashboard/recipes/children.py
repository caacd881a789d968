"""Children: how a process is started that runs the code of this one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import xai_core

FOLDERS = (Path(xai_core.__file__).parent.parent, Path(__file__).parent.parent)
"""Where `xai_core` is, and where the modules of the app are."""


def command(module: str) -> list[str]:
    """The words that run a module; `-P`: nothing is imported from the current folder."""
    return [sys.executable, "-P", "-m", module]


def environment(**more: str) -> dict[str, str]:
    """The environment of this process, and more, with what it imports from on the path."""
    paths = [*map(str, FOLDERS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **more, "PYTHONPATH": os.pathsep.join(paths)}
