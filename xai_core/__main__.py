"""Command line: explain, evaluate, train and the other commands of `command_line/`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from xai_core import command_line
from xai_core.evaluation.run_folder import RunFolderError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0, 1 (done in part), 2 (bad input), 130 (interrupted)."""
    _print_anything()
    parser = argparse.ArgumentParser(prog="campare", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command in command_line.COMMANDS:
        command.add(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        print("stopped; what was finished is kept", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError, RunFolderError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _print_anything() -> None:
    """A console or pipe that lacks a letter shows a ? for it and ends no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
