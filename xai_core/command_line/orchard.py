"""`orchard generate`: draw the embedded test split again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from xai_core.command_line._progress import ProgressLine
from xai_core.orchard.dataset import ORCHARD_FOLDER, contact_sheet, generate, load_orchard


def add(commands: Any) -> None:
    parser = commands.add_parser("orchard", help="draw the embedded data set", description=__doc__)
    parser.add_argument("action", choices=("generate",))
    parser.add_argument("--out", type=Path, default=ORCHARD_FOLDER, help="folder to write")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    line = ProgressLine("drawing")
    generate(options.out, lambda done, count: line.show("scenes", done / count))
    contact_sheet(load_orchard(options.out), options.out / "contact_sheet.jpg")
    print(f"wrote {options.out}")
    return 0
