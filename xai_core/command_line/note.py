"""`note`: writes down about a run what its numbers do not tell, or shows what is written there."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core.command_line._paths import here
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.run_note import load_note, save_note


def add(commands: Any) -> None:
    parser = commands.add_parser("note", help="write a note on a run, for pages and reports",
                                 description=__doc__)  # fmt: skip
    parser.add_argument("--run-dir", type=here, required=True)
    parser.add_argument("text", nargs="?", help="the note; '' takes it away; none: it is shown")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    load_manifest(options.run_dir)  # a folder without a run is named as such
    if options.text is not None:
        save_note(options.run_dir, options.text)
    print(load_note(options.run_dir) or f"{options.run_dir}: no note")
    return 0
