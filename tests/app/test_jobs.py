"""Jobs: one execution for equal orders, honest states, and nothing lost by a stop or a kill.

The child is a small script that keeps a run folder as `evaluate` does, so that no model loads.
"""

import argparse
import importlib.util
import os
import runpy
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from runs import jobs, run_folders
from runs.jobs import Job, Order
from state.named_models import NamedModel

from xai_core.command_line import evaluate
from xai_core.evaluation.run_note import load_note
from xai_core.evaluation.status import Status

ORDER = Order("orchard", "orchard", ("cam", "secam[segments=80]"), ("deletion",), 4)
CHILD = """
import sys, time
from pathlib import Path

folder, kind = Path(sys.argv[1]), sys.argv[2]
with (folder / "children").open("a") as file:
    print("begun", file=file)
if kind == "fails":
    print("Loading ...")
    sys.exit("error: names.txt: must be UTF-8 text")
if kind == "loads":
    time.sleep(60)
from xai_core.evaluation.status import Progress, Status, is_asked_to_stop, only_run
(folder / "manifest.json").write_text("{}")
with only_run(folder), Status(folder) as status:
    for step in range(600):
        status.step(Progress(step, 600, step / 600, 60.0, f"piece {step}"))
        if kind == "quick" or is_asked_to_stop(folder):
            break
        time.sleep(0.1)
    state = "done" if kind == "quick" else "cancelled"
    status.close(state, state)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets what children do: "works", "quick", "loads" or "fails"; ends what is left of them."""
    runs = tmp_path / "runs"
    script = tmp_path / "child.py"
    script.write_text(CHILD)

    def becomes(kind: str) -> None:
        monkeypatch.setattr(
            Order,
            "command",
            lambda self, folder: [sys.executable, str(script), str(folder), kind],
        )

    monkeypatch.setattr(run_folders, "RUNS", runs)
    monkeypatch.setattr(run_folders, "SHIPPED_RUNS", runs)
    becomes("works")
    yield becomes
    for path in runs.glob("*/job.json"):
        job = jobs.look(path.parent)
        if job is not None and job.is_active:
            psutil.Process(pid_of(path.parent)).kill()


def pid_of(folder: Path) -> int:
    return int(jobs._read(folder / "job.json")["pid"])


def until(folder: Path, *states: str, seconds: float = 30) -> Job:
    """The job once it is in one of these states."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = jobs.look(folder)
        if job is not None and job.state in states:
            return job
        time.sleep(0.02)
    raise TimeoutError(f"never {states}, but {jobs.look(folder)}: {jobs.log_of(folder)}")


def finished(order: Order = ORDER) -> Job:
    """A run that ended well, as its child and `start` leave it."""
    folder = run_folders.RUNS / order.name()
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    jobs._write(folder / "job.json", {"order": asdict(order), "name": order.name(), "started": 1})
    with Status(folder) as status:
        status.close("done", "finished")
    return until(folder, "done")


def begun(folder: Path, seconds: float = 30) -> int:
    """How many processes have begun the run; one that was just started may not have said so yet."""
    told, end = folder / "children", time.monotonic() + seconds
    while not told.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return len(told.read_text().split())


def another_server() -> ModuleType:
    """The same code in a second server, which shares nothing but the disk."""
    spec = importlib.util.spec_from_file_location("jobs_of_another_server", jobs.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_command_is_what_the_command_line_reads(tmp_path: Path) -> None:
    network = NamedModel("weights.pth", "resnet18", "names.txt")
    order = Order("my images", network.spell(), ORDER.methods, ORDER.metrics, 7, "center_crop")
    parser = argparse.ArgumentParser()
    evaluate.add(parser.add_subparsers())
    said = order.command(tmp_path)
    assert said[1:3] == ["-m", "xai_core"]
    read = parser.parse_args(said[3:])
    assert (read.dataset, read.limit, read.framing) == ("my images", 7, "center_crop")
    assert (read.classifier, read.architecture) == ("weights.pth", "resnet18")
    assert read.categories == Path("names.txt")
    assert (tuple(read.methods), tuple(read.metrics)) == (order.methods, order.metrics)
    assert read.run_dir == tmp_path


@pytest.mark.parametrize("text", ["orchard", "resnet50:IMAGENET1K_V1", "a@b.pth", "a@b.pth@c.txt"])
def test_a_network_is_spelled_as_it_was_read(text: str) -> None:
    assert NamedModel.parse(text).spell() == text


def test_a_checkpoint_written_anew_is_another_run(tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"one")
    order = Order("orchard", f"resnet18@{weights}", ("cam",), ("deletion",), 4)
    before = order.name()
    assert order.name() == before
    os.utime(weights, ns=(1, 1))
    assert order.name() != before


def test_equal_orders_at_once_make_one_execution(child: Callable[[str], None]) -> None:
    servers = [jobs, another_server()]
    together = threading.Barrier(8)

    def press(number: int) -> None:
        together.wait()
        servers[number % 2].start(ORDER)

    threads = [threading.Thread(target=press, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    job = until(run_folders.RUNS / ORDER.name(), "running")
    assert begun(job.run_dir) == 1
    assert jobs.start(ORDER).state == "running"
    assert [job.name for job in jobs.all_jobs()] == [ORDER.name()]


def test_another_server_finds_the_run_and_can_stop_it(child: Callable[[str], None]) -> None:
    folder = jobs.start(ORDER).run_dir
    until(folder, "running")
    if hasattr(os, "getsid"):  # Ctrl+C in the server's terminal spares it
        assert os.getsid(pid_of(folder)) != os.getsid(0)
    other = another_server()
    found = other.look(folder)
    assert (found.state, found.order.methods) == ("running", ORDER.methods)
    other.stop(found)
    assert jobs.look(folder).state in ("stopping", "cancelled")  # type: ignore[union-attr]
    assert until(folder, "cancelled").message == "cancelled"
    jobs.start(ORDER)
    until(folder, "running")
    assert begun(folder) == 2


def test_a_stop_before_the_network_is_loaded_counts(child: Callable[[str], None]) -> None:
    child("loads")
    job = jobs.start(ORDER)
    jobs.stop(job)
    assert until(job.run_dir, "cancelled").fraction == 0


def test_a_failed_run_says_its_one_sentence(child: Callable[[str], None]) -> None:
    child("fails")
    job = until(jobs.start(ORDER).run_dir, "failed")
    assert job.message == "names.txt: must be UTF-8 text"
    assert "Loading ..." in jobs.log_of(job.run_dir)


def test_a_killed_run_is_seen_and_goes_on(child: Callable[[str], None]) -> None:
    folder = jobs.start(ORDER).run_dir
    until(folder, "running")
    psutil.Process(pid_of(folder)).kill()
    assert until(folder, "failed").message == "stopped before it was finished"
    child("quick")
    assert jobs.start(ORDER).run_dir == folder
    assert until(folder, "done").fraction == 0
    assert begun(folder) == 2


def test_a_process_that_got_the_same_number_is_not_taken_for_the_run(
    child: Callable[[str], None],
) -> None:
    child("loads")
    folder = jobs.start(ORDER).run_dir
    psutil.Process(pid_of(folder)).kill()
    until(folder, "failed")
    jobs._write(folder / "job.json", {**jobs._read(folder / "job.json"), "pid": os.getpid()})
    assert jobs.look(folder).state == "failed"  # type: ignore[union-attr]


def test_a_renamed_run_goes_on_under_its_new_name(child: Callable[[str], None]) -> None:
    folder = jobs.rename(finished(), "paper table 2")
    assert [job.name for job in jobs.all_jobs()] == ["paper table 2"]
    child("fails")
    assert jobs.start(ORDER).run_dir == folder
    until(folder, "failed")
    assert begun(folder) == 1


def test_a_note_stays_with_a_renamed_run_and_is_its_makers(child: Callable[[str], None]) -> None:
    job = finished()
    jobs.take_note(job, "third try")
    assert load_note(jobs.rename(job, "paper")) == "third try"
    shipped = Job("shipped", run_folders.RUNS / "shipped", "done")
    with pytest.raises(ValueError, match="shipped: only who made a run writes its note"):
        jobs.take_note(shipped, "mine")


def test_what_is_shipped_or_at_work_stays_as_it_is(child: Callable[[str], None]) -> None:
    child("loads")
    busy = jobs.start(ORDER)
    shipped = Job("shipped", run_folders.RUNS / "shipped", "done")
    for kept in (busy, shipped):
        with pytest.raises(ValueError, match=f"{kept.name}: a run that is shipped or at work"):
            jobs.delete(kept)
        with pytest.raises(ValueError, match="keeps its name"):
            jobs.rename(kept, "other")
    assert busy.run_dir.is_dir()


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", ".hidden", "a ", "x" * 80, "shipped"])
def test_names_that_cannot_be_leave_the_run_alone(child: Callable[[str], None], name: str) -> None:
    job = finished()
    with pytest.raises(ValueError, match=r"a name has letters|there is a run of this name"):
        jobs.rename(job, name)
    assert job.run_dir.is_dir()


def test_a_deleted_run_is_gone(child: Callable[[str], None]) -> None:
    job = finished()
    jobs.delete(job)
    assert jobs.all_jobs() == []
    assert jobs.look(job.run_dir) is None


def test_the_same_uploads_are_the_same_folder(child: Callable[[str], None]) -> None:
    pictures = [("../one.JPG", b"1"), ("two.png", b"2")]
    folder = jobs.keep_uploads(pictures)
    assert jobs.keep_uploads(pictures[::-1]) == folder
    assert sorted(path.suffix for path in folder.iterdir()) == [".jpg", ".png"]
    assert folder.is_relative_to(run_folders.RUNS)
    assert jobs.all_jobs() == []


def test_the_environment_says_where_new_runs_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPARE_RUNS", str(tmp_path / "mine"))
    read = runpy.run_path(str(run_folders.__file__))
    assert read["RUNS"] == tmp_path / "mine"
    (tmp_path / "mine" / "own").mkdir(parents=True)
    (tmp_path / "mine" / ".uploads").mkdir()
    assert [path.name for path in read["run_folders"]() if path.is_relative_to(tmp_path)] == ["own"]
