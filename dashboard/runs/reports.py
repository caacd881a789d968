"""Reports: folders for paper and talk, made by a child process; equal orders share one."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runs import run_folders
from xai_core import DATA

_AT_WORK: dict[Path, subprocess.Popen[bytes]] = {}
_ONE = threading.Lock()
SAME_DATE = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ReportOrder:
    """What the report is of, in the words of the command line; empty: all that the run has."""

    runs: tuple[Path, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    images: tuple[str, ...]
    widths: tuple[str, ...]
    transparent: bool = False

    def folder(self, stamps: Sequence[float]) -> Path:
        """Where it lies; `stamps` tell apart a run and its continuation."""
        told = [list(map(str, self.runs)), *list(asdict(self).values())[1:]]
        digest = hashlib.sha256(json.dumps([told, list(stamps)]).encode()).hexdigest()[:12]
        return run_folders.RUNS / ".reports" / digest

    def command(self, out: Path) -> list[str]:
        """The command that makes it, as people would type it."""
        words = [sys.executable, "-m", "xai_core", "report"]
        for run_dir in self.runs:
            words += ["--run", str(run_dir)]
        for name in ("methods", "metrics", "images", "widths"):
            chosen = getattr(self, name)
            words += [f"--{name}", *chosen] if chosen else []
        words += ["--transparent"] if self.transparent else []
        return [*words, "--out", str(out)]


def start(order: ReportOrder, folder: Path) -> None:
    """Begin a report, unless it is at work or made; raises OSError where nothing can be written."""
    with _ONE:
        if is_at_work(folder) or made(folder):
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("wb") as log:
            _AT_WORK[folder] = subprocess.Popen(
                order.command(folder / "report"),
                cwd=DATA.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def is_at_work(folder: Path) -> bool:
    process = _AT_WORK.get(folder)
    return process is not None and process.poll() is None


def made(folder: Path) -> Path | None:
    """The finished report; None while there is none."""
    whole = folder / "report"
    return whole if (whole / "manifest.json").is_file() else None


def last_line(folder: Path) -> str:
    """What the process said last: the step it is at, or why it failed; "" before it began."""
    try:
        lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1].removeprefix("error: ") if lines else ""


def zipped(report: Path) -> bytes:
    """The whole report as one .zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in report.rglob("*") if p.is_file()):
            name = f"report/{path.relative_to(report).as_posix()}"
            archive.writestr(zipfile.ZipInfo(name, SAME_DATE), path.read_bytes())
    return content.getvalue()


def notes(report: Path) -> list[str]:
    """What is missing in a report and why, one sentence each."""
    told = json.loads((report / "manifest.json").read_text(encoding="utf-8"))
    return [str(note) for note in told["notes"]]


def captions(report: Path) -> dict[str, str]:
    """Name of a figure or table -> its caption."""
    text = (report / "captions.txt").read_text(encoding="utf-8").strip()
    parts = [part.partition("\n") for part in text.split("\n\n")]
    return {stem: caption for stem, _, caption in parts}
