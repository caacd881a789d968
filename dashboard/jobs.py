"""Jobs: evaluations as child processes, whose state is on disk and outlives page and server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xai_core import DATA
from xai_core.evaluation.status import ask_to_stop, is_running, load_status

RUNS = DATA / "runs"
PROTECTED = ("shipped", "ground_truth")


@dataclass(frozen=True)
class Order:
    """What to evaluate: the same words as on the command line."""

    dataset: str
    classifier: str
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    limit: int
    framing: str = "whole"

    def name(self) -> str:
        """The run folder: data set, network and a hash, so that equal orders share one run."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        plain = re.sub(r"[^A-Za-z0-9]+", "-", f"{Path(self.dataset).name}-{self.classifier}")
        return f"{plain.strip('-')[:40]}-{digest[:6]}"

    def command(self, run_dir: Path) -> list[str]:
        """The command that does it, as people would type it."""
        architecture, at, path = self.classifier.partition("@")
        network = [path, "--architecture", architecture] if at else [self.classifier]
        return [
            *(sys.executable, "-m", "xai_core", "evaluate"),
            *("--dataset", self.dataset, "--classifier", *network),
            *("--methods", *self.methods, "--metrics", *self.metrics),
            *("--limit", str(self.limit), "--framing", self.framing),
            *("--run-dir", str(run_dir)),
        ]


@dataclass(frozen=True)
class Job:
    """One run folder and what is happening in it."""

    name: str
    run_dir: Path
    state: str
    fraction: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    order: Order | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ("starting", "running")


def start(order: Order) -> Job:
    """Begin or continue an evaluation; one that is at work already is only shown.

    Raises OSError where the folder cannot be written.
    """
    run_dir = RUNS / order.name()
    job = look(run_dir)
    if job is not None and job.is_active:
        return job
    run_dir.mkdir(parents=True, exist_ok=True)
    command = order.command(run_dir)
    with (run_dir / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=DATA.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = {"order": asdict(order), "pid": process.pid, "started": time.time()}
    _write(run_dir / "job.json", started)
    return Job(run_dir.name, run_dir, "starting", message="loading the network", order=order)


def look(run_dir: Path) -> Job | None:
    """What is happening in a run folder; None where there is neither a job nor a run."""
    described = _read(run_dir / "job.json")
    status = load_status(run_dir)
    if not described and not (run_dir / "manifest.json").is_file():
        return None
    order = _order(described)
    if status is not None and status.get("heartbeat", 0) >= described.get("started", 0):
        return Job(
            run_dir.name,
            run_dir,
            str(status["state"]),
            float(status["fraction"]),
            status["seconds_left"],
            str(status["message"]),
            order,
        )
    if described and not is_running(run_dir) and not _alive(int(described["pid"])):
        return Job(run_dir.name, run_dir, "failed", message=last_line(run_dir), order=order)
    if described:
        return Job(run_dir.name, run_dir, "starting", message="loading the network", order=order)
    return Job(run_dir.name, run_dir, "done", 1.0, order=order)


def all_jobs() -> list[Job]:
    """Every run folder, the newest first."""
    folders = [path for path in RUNS.iterdir() if path.is_dir()] if RUNS.is_dir() else []
    folders.sort(key=lambda path: -path.stat().st_mtime)
    return [job for path in folders if (job := look(path)) is not None]


def stop(job: Job) -> None:
    """Ask a run to end after the piece it is working on; what is finished is kept."""
    ask_to_stop(job.run_dir)


def rename(job: Job, name: str) -> Path:
    """Give a run another name; raises ValueError with the reason where that cannot be."""
    if job.name in PROTECTED or job.is_active:
        raise ValueError(f"{job.name}: a run that is shipped or at work keeps its name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", name):
        raise ValueError("a name has letters, digits, dots, dashes and underscores only")
    if (RUNS / name).exists():
        raise ValueError(f"{name}: there is a run of this name already")
    return job.run_dir.rename(RUNS / name)


def delete(job: Job) -> None:
    """Remove a run with all its results; raises ValueError for shipped and active ones."""
    if job.name in PROTECTED or job.is_active:
        raise ValueError(f"{job.name}: a run that is shipped or at work is not deleted")
    shutil.rmtree(job.run_dir)


def last_line(run_dir: Path) -> str:
    """The last line of the log: where a run failed, its one sentence."""
    lines = log_of(run_dir).strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else "stopped before it was finished"


def log_of(run_dir: Path, characters: int = 4000) -> str:
    """The end of what the run printed."""
    try:
        return (run_dir / "log.txt").read_text(encoding="utf-8", errors="replace")[-characters:]
    except OSError:
        return ""


def keep_uploads(pictures: Sequence[tuple[str, bytes]]) -> Path:
    """Uploaded pictures as a folder of their own, named by their content; returns the folder."""
    names = [(hashlib.sha256(content).hexdigest()[:16], content) for _, content in pictures]
    together = hashlib.sha256("".join(sorted(name for name, _ in names)).encode()).hexdigest()
    folder = RUNS / ".uploads" / f"uploads-{together[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    for (original, _), (name, content) in zip(pictures, names, strict=True):
        (folder / f"{name}{Path(original).suffix.lower()}").write_bytes(content)
    return folder


def _order(described: dict[str, Any]) -> Order | None:
    if "order" not in described:
        return None
    fields = dict(described["order"])
    return Order(
        **{**fields, "methods": tuple(fields["methods"]), "metrics": tuple(fields["metrics"])}
    )


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.waitpid(pid, os.WNOHANG)  # our own child, if it is one: do not keep it as a zombie
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    os.replace(partial, path)
