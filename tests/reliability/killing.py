"""Killing: kill -9 at random moments, and what is left of the work that is then finished.

`python tests/reliability/killing.py KIND COUNT SEED` kills one kind in a process of its own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
for place in (ROOT, ROOT / "dashboard"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))

KILLS_OF_A_RUN = 5
SECONDS = 180.0


@dataclass
class Killed:
    """Kills that met a process at work, and what then differs from undisturbed work.

    `differing` are rows, maps or tensors that are lost, doubled or other; `damaged` are files
    damaged or left over, and processes that outlive what they belong to.
    """

    kind: str
    kills: int = 0
    runs: int = 0
    differing: int = 0
    damaged: int = 0


@dataclass(frozen=True)
class Work:
    """Something that ends in a folder and can go on there: what it leaves, and what is broken."""

    do: Callable[[Path], object]
    left: Callable[[Path], list[str]]
    broken: Callable[[Path], int] = lambda run: 0


def kill(kind: str, count: int, seed: int = 0) -> Killed:
    """Kill until `count` processes were met at work, in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, kind, str(count), str(seed)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr[-1500:]}")
    return Killed(**json.loads(done.stdout.splitlines()[-1]))


def _kill_in_folders(kind: str, work: Work, count: int, folder: Path, seed: int) -> Killed:
    random, found = np.random.default_rng(seed), Killed(kind)
    started = time.perf_counter()
    _in_a_child(work, folder / "whole", None)
    seconds = time.perf_counter() - started
    whole = work.left(folder / "whole")
    while found.kills < count:
        run = folder / f"run{found.runs}"
        for _ in range(min(KILLS_OF_A_RUN, count - found.kills)):
            found.kills += _in_a_child(work, run, float(random.uniform(0, seconds)))
        _in_a_child(work, run, None)
        found.runs += 1
        found.damaged += work.broken(run) + len(list(run.rglob("*.tmp")))
        found.differing += _differing(work.left(run), whole)
    return found


def _differing(left: list[str], whole: list[str]) -> int:
    """Rows that are lost, doubled or have another value."""
    here, there = Counter(left), Counter(whole)
    return max((here - there).total(), (there - here).total())


def _in_a_child(work: Work, run: Path, kill_after: float | None) -> bool:
    """Work in a process of its own; whether it was still at it when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work.do(run)
            code = 0
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if kill_after is None and status != 0:
        raise RuntimeError(f"{run}: the work that was to finish failed")
    return os.WIFSIGNALED(status)


def _evaluate(folder: Path) -> Work:
    from tests.conftest import TinyNetwork, seeded
    from tests.evaluation.conftest import recipes, write_pictures
    from xai_core.evaluation import holding
    from xai_core.evaluation.dataset import load_folder
    from xai_core.evaluation.journal import find_problems
    from xai_core.evaluation.run import run_evaluation
    from xai_core.images.reading import InputFormat
    from xai_core.methods import METHODS
    from xai_core.metrics import METRICS
    from xai_core.models.classifier import Classifier

    pictures = write_pictures(folder / "pictures")

    def do(run: Path) -> None:
        holding.HOLD_SECONDS = 0.02  # many writes in a short run: kills fall between and into them
        form = InputFormat(size=64, resize=72)
        classifier = Classifier.of(seeded(TinyNetwork), tuple("abcde"), name="tiny", form=form)
        run_evaluation(
            run, classifier, load_folder(pictures, classifier.categories),
            recipes("cam random sobel", METHODS),
            recipes("deletion single_deletion relevance_mass", METRICS),
        )  # fmt: skip

    return Work(do, _scores, lambda run: len(find_problems(run)))


def _scores(run: Path) -> list[str]:
    from tests.evaluation.conftest import table

    return [repr(row) for row in table(run).itertuples(index=False)]


def _classes(folder: Path) -> Path:
    """A folder of images of two classes."""
    from PIL import Image

    random = np.random.default_rng(0)
    for index in range(24):
        place = folder / "classes" / ("dark", "light")[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 128, (40, 48, 3), dtype=np.uint8) + 127 * (index % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{index:02}.png")
    return folder / "classes"


def _train(folder: Path) -> Work:
    from xai_core.__main__ import main

    words = ["train", "--data", str(_classes(folder)), "--architecture", "shufflenet_v2_x0_5"]
    words += ["--weights", "none", "--epochs", "8", "--size", "48", "--threads", "1"]
    return Work(lambda run: main([*words, "--out", str(run), "--name", "made"]), _trained)


def _trained(run: Path) -> list[str]:
    from safetensors.numpy import load_file

    weights = load_file(run / "made.safetensors")
    tensors = [f"{name} {_digest(value.tobytes())}" for name, value in weights.items()]
    with (run / "made.log.csv").open(newline="") as file:
        log = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return tensors + list(map(repr, log))


def _explain(folder: Path) -> Work:
    import torch

    from xai_core.__main__ import main
    from xai_core.models.torchvision_networks import build_network
    from xai_core.training.trainer import save_network

    torch.manual_seed(0)
    form = {"size": 64, "resize": 72, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    card = {"architecture": "shufflenet_v2_x0_5", "categories": ["a", "b"], "form": form}
    save_network(build_network("shufflenet_v2_x0_5", 2), card, folder / "network", "made")
    words = ["explain", str(_classes(folder)), "--classifier", str(folder / "network")]
    words += ["--methods", "cam", "random", "lime", "--set", "lime.samples=40"]
    return Work(lambda run: main([*words, "--out", str(run)]), _explained)


def _explained(run: Path) -> list[str]:
    entries = [json.loads(line) for line in (run / "images.jsonl").read_text().splitlines()]
    for entry in entries:
        for method in entry["methods"]:
            del method["seconds"]
    files = [*(run / "maps").iterdir(), *run.glob("*.png")]
    return [
        *(json.dumps(entry, sort_keys=True) for entry in entries),
        *(f"{path.name} {_digest(path.read_bytes())}" for path in files),
    ]


def _report(folder: Path) -> Work:
    from tests.report.conftest import write_run
    from xai_core.report.bundle import write_report
    from xai_core.report.material import Choice

    run, choice = write_run(folder / "own_run", images=12), Choice(widths=("column",))

    def do(out: Path) -> None:
        if not out.exists():
            write_report([run], out, choice)

    return Work(do, _reported, lambda out: len(list(out.parent.glob(f".{out.name}-*"))))


def _reported(out: Path) -> list[str]:
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "manifest.json"]
    return [f"{path.relative_to(out)} {_digest(path.read_bytes())}" for path in files]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FOLDERS: dict[str, Callable[[Path], Work]] = {
    "evaluate": _evaluate, "train": _train, "explain": _explain, "report": _report,
}  # fmt: skip


def _kill_workers(count: int, folder: Path, seed: int) -> Killed:
    """Workers of the dashboard in the middle of a map; each map is then compared."""
    from compute.desk import Desk
    from compute.questions import Answer, Maps
    from compute.workers import Workers

    from xai_core import DATA
    from xai_core.images.reading import open_image

    engine, random, found = Workers(), np.random.default_rng(seed), Killed("worker")
    desk = Desk(engine)
    files = sorted((DATA / "orchard" / "images").glob("*-1-*.jpg"))[:3]
    asked = [
        Maps("orchard", photo.sha256, "whole", photo, "lime[samples=60]", (0,))
        for photo in map(open_image, files)
    ]

    def answers(session: str, question: Maps) -> Answer:
        while question not in (known := desk.ask(session, [question], 5.0)):
            pass
        return known[question]

    answers("first", asked[0])  # the model is loaded
    started = time.perf_counter()
    whole = [answers("calm", question).value["maps"] for question in asked]
    seconds = (time.perf_counter() - started) / (len(asked) - 1)
    while found.kills < count:
        number = found.runs % len(asked)
        question = asked[number]
        desk._answers.drop(question)
        desk.ask("visitor", [question])
        time.sleep(float(random.uniform(0.02, seconds)))
        was_open = question not in desk._answers
        for worker in _workers_below(os.getpid()):
            worker.kill()
        answer = answers("visitor", question)
        found.kills += was_open
        found.runs += 1
        found.damaged += bool(answer.error)
        found.differing += not np.array_equal(_maps(answer), whole[number])
    engine.close()
    return found


def _maps(answer: Any) -> Any:
    return answer.value["maps"] if answer.value else None


def _workers_below(pid: int) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(pid).children(recursive=True)
        if "spawn_main" in " ".join(process.cmdline())
    ]


def _kill_servers(count: int, folder: Path, seed: int) -> Killed:
    """Page servers just after an evaluation was begun; the next server shows it to its end."""
    from tests.reliability.serving import serving
    from tests.reliability.visitor import visiting

    random, found = np.random.default_rng(seed), Killed("page server")
    order = {"methods": "cam random", "metrics": "sparseness", "limit": "4"}
    whole: list[str] = []
    while found.kills < count or not whole:
        place = folder / f"server{found.runs}"
        found.runs += 1
        with serving(place) as served, visiting(served.address) as visitor:
            visitor.open("run", nulls="false", **order)
            visitor.click("Evaluate")
            if whole:
                visitor.open("compare", framing="center_crop")  # the worker is at work, too
                time.sleep(float(random.uniform(0, 4)))
                page = served.pages()
                below = [p for p in page.children(recursive=True) if _is_computing(p)]
                page.kill()
                found.kills += 1
                _, alive = psutil.wait_procs(below, timeout=20)
                found.damaged += len(alive)
            else:
                whole = _finished(place, visitor)
        if found.kills:
            with serving(place) as served, visiting(served.address) as visitor:
                found.differing += _differing(_finished(place, visitor), whole)
    return found


def _is_computing(process: psutil.Process) -> bool:
    words = " ".join(process.cmdline())
    return "evaluation.scheduler" in words or "spawn_main" in words


def _finished(place: Path, visitor: Any) -> list[str]:
    """The rows of the one run, once the page says that it is finished."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        visitor.open("run")
        runs = [path.parent for path in (place / "runs").glob("*/manifest.json")]
        if len(runs) == 1 and f"{runs[0].name} finished" in " ".join(visitor.text().split()):
            return _scores(runs[0])
        time.sleep(0.5)
    raise TimeoutError(visitor.text()[-500:])


KINDS = (*FOLDERS, "worker", "page server")


def main() -> None:
    kind, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "worker":
            found = _kill_workers(count, folder, seed)
        elif kind == "page server":
            found = _kill_servers(count, folder, seed)
        else:
            import torch

            torch.set_num_threads(1)
            found = _kill_in_folders(kind, FOLDERS[kind](folder), count, folder, seed)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
