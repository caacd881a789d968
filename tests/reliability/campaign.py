"""The campaign in full: python tests/reliability/campaign.py; writes the table of README.md."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.reliability.fuzzing import KINDS, Outcome, attempts  # noqa: E402
from tests.reliability.killing import Killed, kill_evaluations  # noqa: E402

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- campaign -->", "<!-- end -->"
SHARES = {"cards": 0.5, "run_folders": 0.5}
"""Kinds whose cases take long get fewer of them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1700, help="fuzzed inputs of each kind")
    parser.add_argument("--kills", type=int, default=100, help="kill -9 over evaluate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="only this kind, in this process")
    options = parser.parse_args()
    if options.kind:
        with tempfile.TemporaryDirectory() as folder:
            found = attempts(options.kind, options.cases, Path(folder), options.seed)
        print(json.dumps(asdict(found)))
        return 0
    outcomes = [_alone(kind, options) for kind in KINDS]
    with tempfile.TemporaryDirectory() as folder:
        killed = kill_evaluations(options.kills, Path(folder), options.seed)
    _write(outcomes, killed)
    faults = [fault for outcome in outcomes for fault in outcome.faults]
    print("\n".join(faults), file=sys.stderr)
    return 1 if faults or killed.differing or killed.damaged else 0


def _alone(kind: str, options: argparse.Namespace) -> Outcome:
    """One kind in a process of its own, whose memory is its own."""
    count = max(1, int(options.cases * SHARES.get(kind, 1)))
    command = [sys.executable, __file__, "--kind", kind, "--cases", str(count)]
    done = subprocess.run(
        [*command, "--seed", str(options.seed)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return Outcome(kind, faults=[f"{kind}: the process ended with {done.returncode}: {said}"])
    print(done.stdout, end="")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _write(outcomes: list[Outcome], killed: Killed) -> None:
    rows = [
        f"| {o.kind.replace('_', ' ')} | {o.cases:,} | {len(o.faults) - o.hangs} | {o.hangs} | "
        f"{o.slowest:.2f} | {max(0, o.peak_mb):.0f} |"
        for o in outcomes
    ]
    table = [
        f"{date.today().isoformat()}, Python {platform.python_version()}, {platform.machine()}:",
        "",
        "| damaged input | cases | tracebacks | hangs over 5 s | slowest, s | memory added, MB |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"kill -9 over evaluate: {killed.kills} processes killed at work in {killed.runs} runs, "
        f"{killed.differing} rows lost, doubled or different, {killed.damaged} files damaged or "
        "left over.",
    ]
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text("\n".join([before + BEGIN, *table, END + after]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
