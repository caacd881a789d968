"""`dashboard`: serve the app; words after -- go to `streamlit run`."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from typing import Any

from xai_core.places import PROJECT


def add(commands: Any) -> None:
    parser = commands.add_parser("dashboard", help="serve the app", description=__doc__)
    parser.add_argument(
        "streamlit", nargs="*", metavar="OPTION", help="after --, e.g. -- --server.port=8600"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("streamlit") is None:
        raise ValueError(
            "the dashboard's packages are not installed: pip install 'campare[dashboard]'"
        )
    app = PROJECT / "dashboard" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), *options.streamlit]
    return subprocess.call(command)
