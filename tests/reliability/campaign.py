"""The campaign in full: python tests/reliability/campaign.py; writes the table of README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "dashboard")]

from tests.reliability.crowding import Crowd, crowd  # noqa: E402
from tests.reliability.fuzzing import KINDS, Outcome, attempts  # noqa: E402
from tests.reliability.killing import KINDS as KILLED  # noqa: E402
from tests.reliability.killing import Killed, kill  # noqa: E402
from tests.reliability.lasting import Lasted, last  # noqa: E402

README = Path(__file__).with_name("README.md")
PARTS = ("inputs", "kills", "visitors", "long life")
SHARES = {
    "cards": 0.5, "run_folders": 0.5, "train": 0.25, "explain": 0.25, "report": 0.25,
    "worker": 0.25, "page server": 0.25,
}  # fmt: skip
"""Kinds whose cases take long get fewer of them."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1700, help="fuzzed inputs of each kind")
    parser.add_argument("--kills", type=int, default=224, help="kill -9 over evaluate")
    parser.add_argument("--visitors", type=int, default=20, help="at once")
    parser.add_argument("--seconds", type=float, default=300, help="how long they stay")
    parser.add_argument("--explanations", type=int, default=500, help="in one process")
    parser.add_argument("--views", type=int, default=200, help="of pages of one server")
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS, help="only these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="only this kind, in this process")
    options = parser.parse_args()
    if options.kind:
        with tempfile.TemporaryDirectory() as folder:
            found = attempts(options.kind, options.cases, Path(folder), options.seed)
        print(json.dumps(asdict(found)))
        return 0
    faults = [fault for part in options.part for fault in RUNS[part](options)]
    print("\n".join(faults), file=sys.stderr)
    return 1 if faults else 0


T = TypeVar("T", Killed, Crowd, Lasted)


def _tell(found: T) -> T:
    print({name: told for name, told in asdict(found).items() if name != "draws"}, flush=True)
    return found


def _share(count: int, kind: str) -> int:
    return max(1, int(count * SHARES.get(kind, 1)))


def _alone(kind: str, options: argparse.Namespace) -> Outcome:
    """One kind in a process of its own, whose memory is its own."""
    count = _share(options.cases, kind)
    command = [sys.executable, __file__, "--kind", kind, "--cases", str(count)]
    done = subprocess.run(
        [*command, "--seed", str(options.seed)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return Outcome(kind, faults=[f"{kind}: the process ended with {done.returncode}: {said}"])
    print(done.stdout, end="")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _inputs(options: argparse.Namespace) -> list[str]:
    outcomes = [_alone(kind, options) for kind in KINDS]
    _write("inputs", [
        "| damaged input | cases | tracebacks | hangs over 5 s | slowest, s | memory added, MB |",
        "|---|---|---|---|---|---|",
        *(
            f"| {o.kind.replace('_', ' ')} | {o.cases:,} | {len(o.faults) - o.hangs} | {o.hangs} | "
            f"{o.slowest:.2f} | {max(0, o.peak_mb):.0f} |"
            for o in outcomes
        ),
    ])  # fmt: skip
    return [fault for outcome in outcomes for fault in outcome.faults]


def _kills(options: argparse.Namespace) -> list[str]:
    killed = [_tell(kill(kind, _share(options.kills, kind), options.seed)) for kind in KILLED]
    _write("kills", [
        "| kill -9 over | killed at work | finished then | lost, doubled or other | left over |",
        "|---|---|---|---|---|",
        *(f"| {k.kind} | {k.kills} | {k.runs} | {k.differing} | {k.damaged} |" for k in killed),
    ])  # fmt: skip
    return [f"kill -9: {k}" for k in killed if k.differing or k.damaged]


def _visitors(options: argparse.Namespace) -> list[str]:
    seen = _tell(crowd(options.visitors, options.seconds, options.seed))
    _write("visitors", [
        f"{seen.visitors} visitors at once for {seen.seconds:.0f} s: {seen.maps:,} images and maps "
        f"shown, {seen.wrong} wrong, {seen.exceptions} exceptions, {len(seen.failures)} tabs lost.",
        f"{len(seen.draws):,} draws: p50 {seen.quantile(0.5):.2f} s, p99 "
        f"{seen.quantile(0.99):.2f} s. At most {seen.pages_mb:.0f} MB in the page server, "
        f"{seen.workers_mb:.0f} MB in the processes below it.",
    ])  # fmt: skip
    wrong = [f"{seen.wrong} maps wrong: {seen.which[:5]}, {seen.exceptions} exceptions"]
    return seen.failures + (wrong if seen.wrong or seen.exceptions else [])


def _long_life(options: argparse.Namespace) -> list[str]:
    seen = _tell(last(options.explanations, options.views))
    _write("long life", [
        f"{seen.explanations} explanations in one process: {seen.early_mb:.0f} MB after two "
        f"fifths, {seen.late_mb:.0f} MB at the end; {seen.hooks_before} hooks before, "
        f"{seen.hooks_after} after.",
        f"{seen.views} views of pages: {seen.pages_early_mb:.0f} MB after two fifths, "
        f"{seen.pages_late_mb:.0f} MB at the end.",
    ])  # fmt: skip
    return ["hooks are left"] if seen.hooks_after != seen.hooks_before else []


RUNS = dict(zip(PARTS, (_inputs, _kills, _visitors, _long_life), strict=True))


def _write(part: str, lines: list[str]) -> None:
    """Put what a part found where README.md has its place, and under what conditions."""
    load = f", load {os.getloadavg()[1]:.0f}" if hasattr(os, "getloadavg") else ""
    when = f"{date.today().isoformat()}, Python {platform.python_version()}, {platform.machine()}"
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(f"<!-- {part} -->\n")
    after = rest.partition("<!-- end -->")[2]
    told = [f"{when}, {os.cpu_count()} processors{load}:", "", *lines, "<!-- end -->"]
    README.write_text(before + begin + "\n".join(told) + after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
