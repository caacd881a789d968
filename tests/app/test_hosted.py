"""A hosted server: owners, turns, limits, deletions that can be undone, and what expires."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from frame.guarding import HEADERS, Guard
from runs import expiry, jobs, limits, run_folders, tables
from runs.jobs import Job, Order
from state import hosting
from streamlit.testing.v1 import AppTest

from tests.app.test_jobs import ORDER, another_server, begun, child, finished, pid_of, until

__all__ = ["child"]
Becomes = Callable[[str], None]
AnyOf = Callable[[str], None]


@pytest.fixture
def visit(child: Becomes, monkeypatch: pytest.MonkeyPatch) -> AnyOf:
    """Whose page is looked at from now on; evaluations are hosted."""
    monkeypatch.setenv(hosting.HOSTED, "X-Forwarded-User")

    def come(name: str) -> None:
        monkeypatch.setattr(hosting, "visitor", lambda: f"user-{name}")

    come("ann")
    return come


def orders(count: int) -> list[Order]:
    return [replace(ORDER, limit=number + 1) for number in range(count)]


def names(jobs_seen: list[Job]) -> set[str]:
    return {job.name for job in jobs_seen}


def test_a_visitor_sees_the_hosts_runs_and_his_own_and_no_others(
    visit: AnyOf, child: Becomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    child("quick")
    with monkeypatch.context() as before:
        before.delenv(hosting.HOSTED)
        host = finished(replace(ORDER, limit=99))
    own = until(jobs.start(ORDER).run_dir, "done")
    uploads = jobs.keep_uploads([("a.png", b"1")])
    assert names(jobs.all_jobs()) == {host.name, own.name}
    visit("bob")
    assert names(jobs.all_jobs()) == {host.name}
    assert own.name not in tables.runs()
    assert not uploads.is_relative_to(run_folders.home())
    theirs = until(jobs.start(ORDER).run_dir, "done")  # the same order is another run
    assert theirs.run_dir != own.run_dir
    assert theirs.name == own.name
    seen = next(job for job in jobs.all_jobs() if job.name == host.name)
    for foreign in (seen, own):
        for act in (jobs.delete, lambda job: jobs.rename(job, "mine")):
            with pytest.raises(ValueError, match="is shipped or at work"):
                act(foreign)
    assert own.run_dir.is_dir()
    visit("ann")
    assert next(job for job in jobs.all_jobs() if job.name == own.name).run_dir == own.run_dir


def test_another_visitors_uploads_cannot_be_named(visit: AnyOf, tmp_path: Path) -> None:
    uploads = jobs.keep_uploads([("a.png", b"1")])
    jobs._require_allowed(replace(ORDER, dataset=str(uploads)))
    visit("bob")
    for dataset in (uploads, uploads.parent, tmp_path, "/etc"):
        with pytest.raises(ValueError, match="not in the folders that this server shows"):
            jobs.start(replace(ORDER, dataset=str(dataset)))
    with pytest.raises(ValueError, match="a model's code is not run"):
        jobs.start(replace(ORDER, classifier="model.py:build"))
    assert jobs.all_jobs() == []


def test_evaluations_take_turns(visit: AnyOf) -> None:
    first, second = (jobs.start(order) for order in orders(2))
    visit("bob")
    third = jobs.start(ORDER)
    running = until(first.run_dir, "running")
    assert [job.state for job in (second, third)] == ["waiting", "waiting"]
    assert (second.message, third.message) == ("the next one", "1 evaluations before it")
    assert jobs.start(ORDER) == third  # pressing again takes no second place
    jobs.stop(running)
    until(second.run_dir, "running")
    assert jobs.look(third.run_dir).state == "waiting"  # type: ignore[union-attr]
    assert (begun(first.run_dir), begun(second.run_dir)) == (1, 1)
    jobs.stop(third)
    assert jobs.look(third.run_dir).state == "cancelled"  # type: ignore[union-attr]
    assert jobs.waiting() == []


def test_turns_outlive_the_server(visit: AnyOf) -> None:
    first, second = (jobs.start(order) for order in orders(2))
    until(first.run_dir, "running")
    os.kill(pid_of(first.run_dir), 9)
    until(first.run_dir, "failed")
    other = another_server()
    other.begin_next()  # as its housekeeping does
    until(second.run_dir, "running")
    other.begin_next()
    assert begun(second.run_dir) == 1


def test_there_is_a_most_for_one_and_for_all(visit: AnyOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 4)
    for order in orders(limits.MOST_OWN):
        jobs.start(order)
    with pytest.raises(ValueError, match="You have 3 evaluations waiting or at work"):
        jobs.start(orders(9)[-1])
    visit("bob")
    for order in orders(2):
        jobs.start(order)
    with pytest.raises(ValueError, match="4 evaluations wait for their turn"):
        jobs.start(orders(9)[-1])
    assert len(jobs.waiting()) == 4


def test_a_home_has_a_size(visit: AnyOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_MB", 1)
    kept = jobs.keep_uploads([("a.png", b"1" * 600_000)])
    assert jobs.keep_uploads([("a.png", b"1" * 600_000)]) == kept
    with pytest.raises(ValueError, match="at most 1 MB are kept for a visitor"):
        jobs.keep_uploads([("b.png", b"2" * 600_000)])
    visit("bob")
    jobs.keep_uploads([("b.png", b"2" * 600_000)])


def in_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(expiry.time, "time", lambda: now + expiry.KEPT_SECONDS + 60)


def test_a_deletion_can_be_undone_for_a_day(
    child: Becomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished()
    content = (job.run_dir / "job.json").read_bytes()
    jobs.delete(job)
    again = finished()
    (one,) = expiry.deleted(run_folders.home())
    with pytest.raises(ValueError, match="there is a run of this name already"):
        expiry.restore(one)
    jobs.delete(again)
    latest, first = expiry.deleted(run_folders.home())
    expiry.expire()
    assert expiry.restore(first) == job.run_dir
    assert (job.run_dir / "job.json").read_bytes() == content
    assert names(jobs.all_jobs()) == {job.name}
    in_a_day(monkeypatch)
    expiry.expire()
    assert not latest.folder.exists()
    assert names(jobs.all_jobs()) == {job.name}


def test_uploads_leave_when_no_run_uses_them(
    child: Becomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, lost, unused = (jobs.keep_uploads([("a.png", bytes([n]))]) for n in range(3))
    finished(replace(ORDER, dataset=str(used)))
    jobs.delete(finished(replace(ORDER, dataset=str(lost))))
    expiry.expire()
    assert all(folder.is_dir() for folder in (used, lost, unused))
    old = time.time() - expiry.KEPT_SECONDS - 60
    for folder in (used, lost, unused):
        for path in (*folder.iterdir(), folder):
            os.utime(path, (old, old))
    expiry.expire()
    assert [folder.is_dir() for folder in (used, lost, unused)] == [True, True, False]
    in_a_day(monkeypatch)
    expiry.expire()  # the deleted run goes, and in the next round what it used
    expiry.expire()
    assert [folder.is_dir() for folder in (used, lost)] == [True, False]


def test_a_tab_that_is_gone_leaves_nothing_and_a_name_keeps_its_runs(
    child: Becomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hosting.HOSTED, hosting.BY_SESSION)
    child("quick")
    left = {}
    for who in ("session-1", "user-1"):
        monkeypatch.setattr(hosting, "visitor", lambda who=who: who)
        left[who] = until(jobs.start(ORDER).run_dir, "done").run_dir
    expiry.expire()
    assert all(folder.is_dir() for folder in left.values())
    in_a_day(monkeypatch)
    expiry.expire()
    assert [folder.is_dir() for folder in left.values()] == [False, True]


def test_a_page_that_is_told_no_name_shows_nothing(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hosting.HOSTED, "X-Forwarded-User")
    app = AppTest.from_file(str(Path(hosting.__file__).parents[1] / "main.py"), default_timeout=60)
    app.run()
    assert not app.exception
    (said,) = [html.proto.body for html in app.get("html") if "proxy" in html.proto.body]
    assert hosting.HOSTED in said
    assert not app.button


def test_undo_and_turns_are_on_the_page(
    open_page: Callable[..., AppTest], visit: AnyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (jobs.start(order) for order in orders(2))
    until(first.run_dir, "running")
    app = open_page("run")
    text = " ".join(html.proto.body for html in app.get("html"))
    assert "waiting for its turn" in text
    assert "the next one" in text
    jobs.stop(second)
    app.run()
    app.button(key=f"_job.{second.name}.delete").click().run()
    assert not second.run_dir.exists()
    app.run()
    (undo,) = [button for button in app.button if button.label == "Undo"]
    undo.click().run()
    assert second.run_dir.is_dir()


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1:8501", 200), ("evil.example", 421), (None, 421)]
)
def test_every_answer_says_who_may_frame_it(host: str | None, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the app"})

    from streamlit import config

    config.set_option("server.allowedHosts", ["127.0.0.1", "localhost"])
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "headers": [(b"host", host.encode())] if host else []}
    asyncio.run(Guard(app)(scope, None, send))  # type: ignore[arg-type]
    assert told[0]["status"] == status
    assert set(HEADERS) <= set(told[0]["headers"])
    assert (told[1]["body"] == b"the app") == (status == 200)
