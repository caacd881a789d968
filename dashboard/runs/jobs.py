"""Jobs: evaluations as child processes, whose state is on disk and outlives page and server."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil
from state import hosting
from state.named_models import NamedModel

from runs import expiry, limits, run_folders
from xai_core import DATA
from xai_core.evaluation.run_note import save_note
from xai_core.evaluation.status import ask_to_stop, is_asked_to_stop, is_running, load_status
from xai_core.files import read_object, write_whole
from xai_core.locks import Taken, locked

PRESS_SECONDS = 5.0
"""How long a press waits for another one on the same run, which only starts a process."""
SAME_START_SECONDS = 2.0
"""A process is known by its number and its start, which an adjusted clock may shift a little."""


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
        """The run folder: data set, model and a hash, so that equal orders share one run.

        A checkpoint that was written anew is another model.
        """
        model = NamedModel.parse(self.classifier)
        told = [asdict(self), model.stamp()]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        plain = re.sub(r"[^A-Za-z0-9]+", "-", f"{Path(self.dataset).name}-{model.label()}")
        return f"{plain.strip('-')[:40]}-{digest[:6]}"

    def command(self, run_dir: Path) -> list[str]:
        """The command that does it, as people would type it."""
        return [
            *(sys.executable, "-m", "xai_core", "evaluate"),
            *("--dataset", self.dataset, *NamedModel.parse(self.classifier).options()),
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
        return self.state in ("waiting", "starting", "running", "stopping", "finishing")

    @property
    def is_own(self) -> bool:
        """Whether it is the visitor's, not the host's that all may see."""
        return self.run_dir.parent == run_folders.home()

    @property
    def is_protected(self) -> bool:
        return self.name in run_folders.PROTECTED or not self.is_own


def start(order: Order, run_dir: Path | None = None) -> Job:
    """Begin or continue an evaluation; one that is at work already is only shown.

    Equal orders share a run, also after it was renamed. Hosted, it waits for its turn. Raises
    OSError where the folder cannot be written, and ValueError for what a visitor may not.
    """
    _require_allowed(order)
    folder = run_dir or _folder_of(order)
    folder.mkdir(parents=True, exist_ok=True)
    begun = Job(folder.name, folder, "starting", message="loading the model", order=order)
    try:
        with locked(folder / "claim", PRESS_SECONDS):
            if is_running(folder) or _is_busy(_read(folder / "job.json")):
                return look(folder) or begun
            if hosting.is_hosted():
                _queue(order, folder)
            else:
                _launch(order, folder)
    except Taken:
        return look(folder) or begun
    if hosting.is_hosted():
        begin_next()
        return look(folder) or begun
    return begun


def _require_allowed(order: Order) -> None:
    """Raises ValueError where a visitor may not have this evaluated."""
    if hosting.roots() is None:
        return
    problem = hosting.model_problem(NamedModel.parse(order.classifier))
    if problem:
        raise ValueError(problem)
    uploads = run_folders.home() / expiry.UPLOADS
    if order.dataset != "orchard" and Path(order.dataset).resolve().parent != uploads.resolve():
        hosting.folder_named(order.dataset)


def _queue(order: Order, folder: Path) -> None:
    own, all_waiting = run_folders.folders_in(run_folders.home()), waiting()
    busy = [path for path in own if path in all_waiting or _is_at_work(path)]
    limits.require_turn(len(busy), len(all_waiting))
    limits.require_space(run_folders.home())
    _write(folder / "job.json", {**_told(order), "queued": True})


def waiting() -> list[Path]:
    """The folders of everybody's evaluations that wait for their turn, in that order."""
    found = []
    for home in run_folders.homes():
        for folder in run_folders.folders_in(home):
            described = _read(folder / "job.json")
            if described.get("queued"):
                found.append((described["started"], folder))
    return [folder for _, folder in sorted(found)]


def begin_next() -> None:
    """Launch what waits longest while there is room for it."""
    if not run_folders.RUNS.is_dir():
        return
    with contextlib.suppress(Taken), locked(run_folders.RUNS / ".turn", PRESS_SECONDS):
        every = [f for home in run_folders.homes() for f in run_folders.folders_in(home)]
        room = limits.AT_ONCE - sum(map(_is_at_work, every))
        for folder in waiting()[: max(0, room)]:
            described = _read(folder / "job.json")
            order = _order(described)
            described.pop("queued")
            _write(folder / "job.json", described)  # what cannot be launched waits no more
            if order is not None:
                _launch(order, folder)


def _is_at_work(folder: Path) -> bool:
    return is_running(folder) or _is_alive(_read(folder / "job.json"))


def _is_busy(described: dict[str, Any]) -> bool:
    return bool(described.get("queued")) or _is_alive(described)


def _told(order: Order) -> dict[str, Any]:
    return {"order": asdict(order), "name": order.name(), "started": time.time()}


def _launch(order: Order, folder: Path) -> None:
    """The child process, and who it is in job.json; Ctrl+C in the server's terminal spares it."""
    told = _told(order)
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            order.command(folder),
            cwd=DATA.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
        told["born"] = psutil.Process(process.pid).create_time()
    _write(folder / "job.json", {**told, "pid": process.pid})
    threading.Thread(target=_await, args=(process,), daemon=True).start()


def _await(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    if hosting.is_hosted():
        begin_next()


def look(run_dir: Path) -> Job | None:
    """What is happening in a run folder; None where there is neither a job nor a run."""
    described = _read(run_dir / "job.json")
    status = load_status(run_dir)
    if not described and not (run_dir / "manifest.json").is_file():
        return None
    job = Job(run_dir.name, run_dir, "done", 1.0, order=_order(described))
    if described.get("queued"):
        before = sum(1 for _ in takewhile(lambda folder: folder != run_dir, waiting()))
        message = f"{before} evaluations before it" if before else "the next one"
        return replace(job, state="waiting", fraction=0.0, message=message)
    if status is not None and status.get("heartbeat", 0) >= described.get("started", 0):
        state = str(status["state"])
        if state == "running" and is_asked_to_stop(run_dir):
            state = "stopping"
        if state == "failed" and described.get("stopped"):
            state = "cancelled"
        if state in ("done", "cancelled") and _is_alive(described):
            state = "finishing"
        told = float(status["fraction"]), status["seconds_left"], str(status["message"])
        return replace(job, state=state, fraction=told[0], seconds_left=told[1], message=told[2])
    if not described:
        return job
    if is_running(run_dir) or _is_alive(described):
        return replace(job, state="starting", fraction=0.0, message="loading the model")
    if described.get("stopped"):
        return replace(job, state="cancelled", fraction=0.0)
    return replace(job, state="failed", fraction=0.0, message=last_line(run_dir))


def all_jobs() -> list[Job]:
    """Every run folder, the newest first."""
    folders = run_folders.run_folders()
    folders.sort(key=lambda path: -path.stat().st_mtime)
    return [job for path in folders if (job := look(path)) is not None]


def stop(job: Job) -> None:
    """Ask a run to end after the piece it is working on; what is finished is kept."""
    described = _read(job.run_dir / "job.json")
    if job.state == "waiting" and described.pop("queued", False):
        _write(job.run_dir / "job.json", {**described, "stopped": True})
        return
    if job.state == "starting" and "pid" in described and _is_alive(described):
        _write(job.run_dir / "job.json", {**described, "stopped": True})
        with contextlib.suppress(psutil.Error):
            psutil.Process(int(described["pid"])).terminate()  # it has nothing to lose yet
        return
    ask_to_stop(job.run_dir)


def rename(job: Job, name: str) -> Path:
    """Give a run another name; raises ValueError with the reason where that cannot be."""
    if job.is_protected or job.is_active:
        raise ValueError(f"{job.name}: a run that is shipped or at work keeps its name")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9 ._-]{0,59}[A-Za-z0-9._-])?", name):
        raise ValueError("a name has letters, digits, spaces, dots, dashes and underscores only")
    home = run_folders.home()
    if name in run_folders.PROTECTED or (home / name).exists():
        raise ValueError(f"{name}: there is a run of this name already")
    return job.run_dir.rename(home / name)


def take_note(job: Job, text: str) -> None:
    """Write a note on a run; raises ValueError with the reason where that cannot be."""
    if job.is_protected:
        raise ValueError(f"{job.name}: only who made a run writes its note")
    save_note(job.run_dir, text)


def delete(job: Job) -> None:
    """Delete a run, to be undone for a day; raises ValueError for shipped and active ones."""
    if job.is_protected or job.is_active:
        raise ValueError(f"{job.name}: a run that is shipped or at work is not deleted")
    expiry.throw_away(job.run_dir)


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


def keep_uploads(images: Sequence[tuple[str, bytes]]) -> Path:
    """Uploaded images as a folder of their own, named by their content; returns the folder.

    Raises OSError where it cannot be written, ValueError where a visitor has too much already.
    """
    names = [(hashlib.sha256(content).hexdigest()[:16], content) for _, content in images]
    together = hashlib.sha256("".join(sorted(name for name, _ in names)).encode()).hexdigest()
    folder = run_folders.home() / expiry.UPLOADS / f"uploads-{together[:8]}"
    if hosting.is_hosted() and not folder.is_dir():
        limits.require_space(run_folders.home(), sum(len(content) for _, content in images))
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for (original, _), (name, content) in zip(images, names, strict=True):
        file = folder / f"{name}{Path(original).suffix.lower()}"
        if not file.is_file():
            file.write_bytes(content)
    return folder


def _folder_of(order: Order) -> Path:
    """Where this order was begun, under whatever name it has now; else its own new folder."""
    name = order.name()
    home = run_folders.home()
    for folder in run_folders.folders_in(home):
        if _read(folder / "job.json").get("name") == name:
            return folder
    return home / name


def _is_alive(described: dict[str, Any]) -> bool:
    """Whether the job's process lives, and is no other one that was given the same number."""
    try:
        process = psutil.Process(int(described["pid"]))
        is_it = abs(process.create_time() - float(described["born"])) < SAME_START_SECONDS
        return is_it and bool(process.status() != psutil.STATUS_ZOMBIE)
    except (KeyError, psutil.Error):
        return False


def _order(described: dict[str, Any]) -> Order | None:
    try:
        fields = dict(described["order"])
        return Order(
            **{**fields, "methods": tuple(fields["methods"]), "metrics": tuple(fields["metrics"])}
        )
    except (KeyError, TypeError, ValueError):  # none was given, or a damaged file
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_object(path)
        return {**found, "started": float(found.get("started", 0))}
    except (OSError, ValueError, TypeError):
        return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content))
