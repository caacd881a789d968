"""Workers: real processes on Dask; what dies is replaced, and nothing outlives the server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from compute import workers
from compute.desk import LOST, LOST_TWICE, Desk
from compute.questions import Answer, ImageScores, Maps, Prediction, Question
from compute.workers import UnreachableError, Workers
from recipes import children

from xai_core import DATA
from xai_core.images.reading import Photo, open_image
from xai_core.methods import METHODS
from xai_core.metrics import METRICS, Case
from xai_core.models.batch import Batch
from xai_core.models.loading import load_classifier
from xai_core.models.sources.embedded import MODELS

pytestmark = pytest.mark.skipif(
    not (MODELS / "orchard.json").is_file(), reason="the embedded model is not here"
)
SECONDS = 120.0
Ask = Callable[..., list[Answer]]
LONG = "lime[samples=20000]"


@pytest.fixture(scope="module")
def photo() -> Photo:
    return open_image(DATA / "orchard" / "images" / "apple-1-0.jpg")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(workers.SCHEDULER, raising=False)
        engine = Workers()
        yield Desk(engine)
        engine.close()


@pytest.fixture
def ask(desk: Desk) -> Ask:
    def all_of(*questions: Question, session: str = "me ") -> list[Answer]:
        known = desk.ask(session, questions, patience=SECONDS)
        return [known[question] for question in questions]

    return all_of


def about(photo: Photo) -> tuple[str, str, str, Photo]:
    return "orchard", photo.sha256, "whole", photo


def computing() -> list[psutil.Process]:
    """The worker process: a child of the cluster, which is a child of ours."""
    return [
        worker
        for cluster in psutil.Process().children()
        if "evaluation.scheduler" in words_of(cluster)
        for worker in cluster.children()
        if "spawn_main" in words_of(worker)
    ]


def words_of(process: psutil.Process) -> str:
    """The command of a process; none where it has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def until(is_time: Callable[[], object]) -> bool:
    end = time.monotonic() + SECONDS
    while not is_time() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(is_time())


def until_soon(is_time: Callable[[], object]) -> bool:
    end = time.monotonic() + 2.0
    while not is_time() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(is_time())


def at_work(desk: Desk, question: Question) -> psutil.Process:
    """The worker, once it is in the middle of the question: torch is loaded, and it computes."""
    assert until(lambda: question in desk._at_work and computing())
    (worker,) = computing()
    assert until(lambda: any("libtorch" in loaded.path for loaded in worker.memory_maps()))
    begun = worker.cpu_times().user
    assert until(lambda: worker.cpu_times().user > begun + 4.0)
    return worker


@pytest.mark.slow
def test_answers_are_those_of_the_core(ask: Ask, photo: Photo) -> None:
    classifier = load_classifier("orchard")
    batch = Batch.of(classifier, [photo])
    targets = tuple(batch.top(2)[0].tolist())
    asked = Maps(*about(photo), "secam", targets)
    metrics = ("sparseness", "single_deletion")
    scored = ImageScores(*about(photo), "secam", targets, targets[1], metrics)
    told, mapped, scores = ask(Prediction(*about(photo)), asked, scored)
    np.testing.assert_allclose(told.value["probabilities"], batch.probabilities[0], rtol=1e-5)
    ours = METHODS["secam"]().attribute(batch, batch.top(2))[0].numpy()
    np.testing.assert_allclose(mapped.value["maps"], ours, rtol=2e-3, atol=1e-3)
    maps = torch.from_numpy(mapped.value["maps"].astype(np.float32))[1][None]
    case = Case(batch, batch.top(2)[:, 1], maps, METHODS["secam"]())
    assert scores.value == {
        name: pytest.approx(float(METRICS[name]().score(case).values[0]), abs=1e-4)
        for name in metrics
    }


def test_an_error_comes_back_as_a_sentence(ask: Ask, photo: Photo) -> None:
    (answer,) = ask(Maps(*about(photo), "no_method", (0,)))
    assert answer.error.startswith("unknown name 'no_method'; known: ")


@pytest.mark.slow
def test_what_nobody_wants_any_more_ends_in_the_worker(desk: Desk, ask: Ask, photo: Photo) -> None:
    slow = Maps(*about(photo), LONG, (0,))  # minutes
    desk.ask("me ", [slow])
    at_work(desk, slow)
    assert not ask(Maps(*about(photo), "cam", (3,)))[0].error


@pytest.mark.reliability
def test_a_killed_worker_is_replaced_and_the_question_asked_once_more(
    desk: Desk, ask: Ask, photo: Photo
) -> None:
    slow = Maps(*about(photo), LONG, (1,))
    desk.ask("me ", [slow])
    for expected in (LOST, ""):
        worker = at_work(desk, slow)
        worker.send_signal(signal.SIGKILL)
        worker.wait(SECONDS)
        assert until(lambda text=expected: desk.notice("me ") == text)
    assert ask(slow) == [Answer(error=LOST_TWICE)]
    assert not ask(Maps(*about(photo), "cam", (4,)), session="you ")[0].error


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.05, 0.7])
def test_a_worker_killed_again_while_it_loads_is_replaced(
    desk: Desk, ask: Ask, photo: Photo, wait: float
) -> None:
    """Its nanny gives up then, at once or a little later, and without a word."""
    assert not ask(Maps(*about(photo), "cam", (6,)))[0].error
    assert until(computing)
    for _ in range(6):
        time.sleep(wait)
        killed = computing()
        for worker in killed:
            worker.kill()
        psutil.wait_procs(killed, timeout=10)  # a dying one would count as the next
        if not until_soon(computing):
            break
    assert not ask(Maps(*about(photo), "cam", (7 + int(10 * wait),)))[0].error


def test_a_killed_scheduler_is_replaced_too(desk: Desk, ask: Ask, photo: Photo) -> None:
    desk._engine.start()  # type: ignore[attr-defined]
    before = desk._engine._cluster._process  # type: ignore[attr-defined]
    before.kill()
    assert not ask(Maps(*about(photo), "cam", (5,)))[0].error
    assert desk._engine._cluster._process is not before  # type: ignore[attr-defined]


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workers.SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.5)
    with pytest.raises(UnreachableError, match=r"CAMPARE_SCHEDULER=tcp://127\.0\.0\.1:9 does not"):
        Workers().start()


ANOTHER = """
import os, signal, sys
from compute.workers import Workers
if __name__ == "__main__":
    workers = Workers()
    workers.start()
    print("torch" in sys.modules, flush=True)
    signal.pause()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_nothing_outlives_a_killed_server_and_no_port_is_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "another.py").write_text(ANOTHER)
    server = subprocess.Popen(
        [sys.executable, tmp_path / "another.py"],
        env=children.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "False\n"
        left = psutil.Process(server.pid).children(recursive=True)
        assert len(left) >= 2
        ports = [port for one in left for port in one.net_connections("tcp") if not port.raddr]
        assert {port.laddr.ip for port in ports} == {"127.0.0.1"}
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.communicate()
    assert psutil.wait_procs(left, timeout=SECONDS)[1] == []
