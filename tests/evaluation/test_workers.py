"""Workers: whoever computes, and whoever dies meanwhile, the tables are equal bit for bit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.evaluation.conftest import RunIt, curves, load_tiny, table
from xai_core.evaluation.dataset import load_folder
from xai_core.evaluation.journal import find_problems
from xai_core.evaluation.orders import Order, WorkersError, code, compute
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.status import ask_to_stop
from xai_core.evaluation.tasks import Task, Tray
from xai_core.evaluation.workers import Workers

METHODS, METRICS = "cam random sobel", "deletion single_deletion relevance_mass"


@pytest.mark.slow
def test_two_workers_one_killed_and_begun_here_all_equal_one_process(
    evaluate: RunIt, many: Path, tmp_path: Path
) -> None:
    rest: dict[str, Any] = {"classifier": load_tiny(), "dataset": load_folder(many, "abcde")}
    evaluate(tmp_path / "here", METHODS, METRICS, **rest)
    killed: list[int] = []
    with Workers(load_tiny, count=2) as workers:
        evaluate(tmp_path / "two", METHODS, METRICS, workers=workers, **rest)

        def kill(step: Any) -> None:
            if step.done in (3, 9):
                run = workers._client.run  # type: ignore[union-attr]
                # one killed before may still count as alive; it does not answer
                killed.append(min(run(os.getpid, on_error="ignore").values()))
                os.kill(killed[-1], signal.SIGKILL)

        evaluate(tmp_path / "killed", METHODS, METRICS, workers=workers, progress=kill, **rest)
        begun = tmp_path / "begun"
        evaluate(begun, "cam", METRICS, limit=16, **rest)
        evaluate(begun, METHODS, "single_deletion", progress=lambda s: ask_to_stop(begun), **rest)
        report = evaluate(begun, METHODS, METRICS, workers=workers, **rest)
        assert report.reused
        assert not report.cancelled
        assert evaluate(begun, METHODS, METRICS, workers=workers, **rest).computed == 0
        lost = partial(evaluate, tmp_path / "lost", METHODS, METRICS, **rest)
        end = workers._cluster._process.kill  # type: ignore[union-attr]
        with pytest.raises(WorkersError, match="the scheduler has ended; finished results are"):
            lost(workers=workers, progress=lambda step: end())
    assert lost().reused
    assert len(set(killed)) == 2
    for name in ("two", "killed", "begun", "lost"):
        for read in (table, curves):
            found, expected = read(tmp_path / name), read(tmp_path / "here")
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert load_manifest(tmp_path / name).images == load_manifest(tmp_path / "here").images
        assert not find_problems(tmp_path / name)


@pytest.mark.slow
def test_workers_end_without_a_word(
    evaluate: RunIt, many: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rest: dict[str, Any] = {"classifier": load_tiny(), "dataset": load_folder(many, "abcde")}
    for number in range(3):
        with Workers(load_tiny, count=2) as workers:
            evaluate(tmp_path / str(number), "cam", METRICS, workers=workers, **rest)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_worker_tells_of_itself_every_few_seconds_only() -> None:
    def last_seen(dask_scheduler: Any) -> set[float]:
        return {worker.last_seen for worker in dask_scheduler.workers.values()}

    with Workers(load_tiny, count=1) as workers:
        times = set[float]()
        for _ in range(24):
            times |= workers._client.run_on_scheduler(last_seen)  # type: ignore[union-attr]
            time.sleep(0.25)
    assert len(times) <= 4  # Dask's own scheduler: a dozen in these six seconds


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "127.0.0.1:9", "nowhere", "http://a:1"])
def test_a_scheduler_that_does_not_answer_is_one_sentence(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xai_core.evaluation.workers.CONNECT_SECONDS", 0.5)
    with pytest.raises(WorkersError, match=f"no scheduler answers at {address}: start one"):
        Workers(load_tiny, 0, address).__enter__()


def test_a_run_that_fails_here_leaves_no_unit_with_the_workers(
    evaluate: RunIt, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def computed(
        self: Workers, tasks: Iterator[Task], pieces: int, unit: int
    ) -> Iterator[tuple[list[Task], Tray]]:
        try:
            for task in tasks:
                yield [task], compute(Order((task,), load_tiny, code(), ".")).tray
        finally:
            ended.append(True)

    def fail(step: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Workers, "computed", computed)
    rest: dict[str, Any] = {"classifier": load_tiny(), "dataset": load_folder(many, "abcde")}
    with pytest.raises(KeyboardInterrupt) as error:
        evaluate(
            tmp_path / "run", METHODS, METRICS, workers=Workers(load_tiny), progress=fail, **rest
        )
    assert error  # whoever keeps the error keeps what it came through
    assert ended
