"""`report`: tables, figures, slides, page, methods and references of some runs, in one folder."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from xai_core.command_line._paths import here
from xai_core.report.bundle import write_report
from xai_core.report.material import Choice
from xai_core.report.style import WIDTHS


def add(commands: Any) -> None:
    parser = commands.add_parser("report", help="a run for the paper and the talk",
                                 description=__doc__)  # fmt: skip
    parser.add_argument(
        "--run", dest="runs", type=here, action="append", required=True, metavar="DIR",
        help="run folder; of several, every two on the same images are compared by paired tests",
    )  # fmt: skip
    parser.add_argument("--out", type=here, required=True, metavar="DIR", help="a new folder")
    parser.add_argument("--methods", nargs="+", default=[], metavar="METHOD",
                        help="of the run; default: all")  # fmt: skip
    parser.add_argument("--metrics", nargs="+", default=[], metavar="METRIC",
                        help="of the run; default: all")  # fmt: skip
    parser.add_argument("--images", nargs="+", default=[], metavar="NAME",
                        help="of the grid and the slider; default: the first")  # fmt: skip
    parser.add_argument("--widths", nargs="+", choices=tuple(WIDTHS), default=list(WIDTHS),
                        help="of the figures; default: all")  # fmt: skip
    parser.add_argument("--transparent", action="store_true", help="figures without a background")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    choice = Choice(
        tuple(options.methods), tuple(options.metrics), tuple(options.images),
        tuple(options.widths), options.transparent,
    )  # fmt: skip
    notes = write_report(
        options.runs, options.out, choice, lambda step: print(step, file=sys.stderr)
    )
    for note in notes:
        print(note, file=sys.stderr)
    print(f"wrote {options.out}")
    return 0
