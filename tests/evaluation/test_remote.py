"""A run folder at a URL ends like one here, whatever ended the processes that computed it."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest

from tests.evaluation.conftest import RunIt, curves, table
from xai_core.__main__ import main
from xai_core.evaluation import remote
from xai_core.evaluation.journal import find_problems
from xai_core.evaluation.remote import RemoteFolder, TakenOverError
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.evaluation.shards import Shard, merge_shards
from xai_core.evaluation.store import Store
from xai_core.files import is_url

METHODS, METRICS = "cam random sobel", "deletion relevance_mass"


@pytest.fixture(autouse=True)
def _places_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    place = "/bucket" if request.param == "memory" else tmp_path / "bucket"
    yield f"{request.param}://{place}/run"
    if request.param == "memory":
        fsspec.filesystem("memory").store.clear()


def there(url: str) -> list[str]:
    files, root = fsspec.core.url_to_fs(url)
    return sorted(name.partition(f"{root}/")[2] for name in files.find(root))


def assert_equal_to(expected: Path, url: str) -> None:
    """The same rows, curves and images are there, in files that are whole, and nothing else."""
    with RemoteFolder(url, only_reads=True) as copied:
        for read in (table, curves):
            pd.testing.assert_frame_equal(read(copied.here), read(expected), check_exact=True)
        assert load_manifest(copied.here).images == load_manifest(expected).images
        assert not find_problems(copied.here)
        Store(copied.here)  # removes what the journal does not name
        assert len(there(url)) == len([p for p in copied.here.rglob("*") if p.is_file()])
    assert not copied.here.exists()


def test_what_is_computed_is_there_and_goes_on_from_there(
    url: str, evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path / "here", METHODS, METRICS)
    with RemoteFolder(url) as first:
        evaluate(first.here, "cam", METRICS, limit=8)
    with RemoteFolder(url) as again:
        report = evaluate(again.here, METHODS, METRICS)
    assert (report.reused, report.computed) == (1, 5)
    assert_equal_to(tmp_path / "here", url)
    assert not any(name.endswith(("lock", ".tmp")) for name in there(url))
    assert len([name for name in there(url) if name.startswith("scores/")]) == 1


def test_a_process_that_ends_leaves_what_was_copied_last(
    url: str, evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last copy is never made, as after kill -9."""
    monkeypatch.setattr("xai_core.evaluation.holding.HOLD_BYTES", 0)
    monkeypatch.setattr(remote, "PUSH_SECONDS", 0.0)
    folder = RemoteFolder(url)

    def step(progress: Any) -> None:
        folder.push_in_time()
        if progress.done == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(RemoteFolder, "__exit__", lambda *_: None)
    with pytest.raises(KeyboardInterrupt), folder:
        evaluate(folder.here, METHODS, METRICS, progress=step)
    monkeypatch.undo()
    evaluate(tmp_path / "here", METHODS, METRICS)
    with RemoteFolder(url) as again:
        report = evaluate(again.here, METHODS, METRICS)
    assert (report.reused, report.computed) == (4, 2)
    assert_equal_to(tmp_path / "here", url)


def test_the_journal_is_copied_last(
    url: str, evaluate: RunIt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever file a copy ends, all that the remote journal names is there."""
    put, left = RemoteFolder._put, [0]

    def until(self: RemoteFolder, name: str, content: bytes) -> None:
        if not left[0]:
            raise ConnectionError("the network is gone")
        left[0] -= 1
        put(self, name, content)

    with RemoteFolder(url) as first:
        evaluate(first.here, "cam", METRICS, limit=8)
    monkeypatch.setattr(RemoteFolder, "_put", until)
    for count in range(6):
        left[0] = count
        with pytest.raises(RunFolderError, match=r"network is gone.*what was computed is in"):  # noqa: SIM117
            with RemoteFolder(url) as again:
                evaluate(again.here, METHODS, METRICS)
        assert (again.here / "parts.jsonl").exists()
        files, root = fsspec.core.url_to_fs(url)
        copy = tmp_path / f"copy{count}"
        for name in there(url):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes(files.cat_file(f"{root}/{name}"))
        assert not find_problems(copy)
        assert len(table(copy)) == 8 * 2


def test_who_begins_last_owns_the_folder_and_the_earlier_replaces_nothing(
    url: str, evaluate: RunIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PUSH_SECONDS", 0.0)
    with pytest.raises(RunFolderError, match="another process has begun to write there; what"):  # noqa: PT012, SIM117
        with RemoteFolder(url) as one:
            with RemoteFolder(url) as other:
                evaluate(other.here, "random", METRICS, limit=8)
                with pytest.raises(TakenOverError):  # at once, not at the end
                    evaluate(one.here, "cam", METRICS, progress=lambda _: one.push_in_time())
            evaluate(one.here, "cam", METRICS)
    assert len(table(one.here)) == 11 * 2
    with RemoteFolder(url) as left:
        assert set(table(left.here)["method"]) == {"random"}
        assert [entry["name"] for entry in load_manifest(left.here).methods.values()] == ["random"]
    assert not [name for name in there(url) if name.startswith("owner")]


@pytest.mark.parametrize("kind", ["scores", "curves", "maps"])
def test_what_is_damaged_there_is_computed_again_and_replaced(
    kind: str, url: str, evaluate: RunIt, tmp_path: Path
) -> None:
    evaluate(tmp_path / "here", METHODS, METRICS)
    with RemoteFolder(url) as first:
        evaluate(first.here, METHODS, METRICS)
    files, root = fsspec.core.url_to_fs(url)
    damaged = next(f"{root}/{name}" for name in there(url) if name.startswith(kind))
    files.pipe_file(damaged, files.cat_file(damaged)[:-9])
    with RemoteFolder(url) as again:
        evaluate(again.here, METHODS, METRICS)
    assert_equal_to(tmp_path / "here", url)
    with RemoteFolder(url) as calm:
        assert evaluate(calm.here, METHODS, METRICS).computed == 0


def test_a_write_that_stops_halfway_leaves_the_former_journal(
    url: str, evaluate: RunIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RemoteFolder(url) as first:
        evaluate(first.here, "cam", METRICS, limit=8)
    files, _ = fsspec.core.url_to_fs(url)
    pipe = type(files).pipe_file

    def full(self: Any, path: str, content: bytes, **rest: Any) -> None:
        half = "parts.jsonl" in path
        pipe(self, path, content[: len(content) // 2] if half else content, **rest)
        if half:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(files), "pipe_file", full)
    with pytest.raises(RunFolderError, match="No space left on device"), RemoteFolder(url) as again:
        evaluate(again.here, METHODS, METRICS)
    monkeypatch.undo()
    with RemoteFolder(url) as after:
        report = evaluate(after.here, METHODS, METRICS)
    assert (report.reused, report.computed) == (1, 5)


def test_a_dry_run_changes_nothing_there(url: str, evaluate: RunIt) -> None:
    with RemoteFolder(url) as first:
        evaluate(first.here, "cam", METRICS)
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{root}/scores/not-yet-named.parquet", b"of a process at work")
    before = there(url)
    with RemoteFolder(url) as at_work, RemoteFolder(url, only_reads=True) as planned:
        Store(planned.here)
        at_work.push()
        assert set(before) | {"owner"} == set(there(url))
    assert not planned.here.exists()


def test_a_second_interrupt_says_where_the_results_are(
    url: str, evaluate: RunIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RemoteFolder, "_put", stop)
    with (
        pytest.raises(RunFolderError, match="stopped before all was copied"),
        RemoteFolder(url) as one,
    ):
        evaluate(one.here, "cam", METRICS)
    assert len(table(one.here)) == 11 * 2


def test_other_runs_and_files_below_the_url_are_none_of_its_own(url: str, evaluate: RunIt) -> None:
    with RemoteFolder(f"{url}/inner/") as inner:
        evaluate(inner.here, "cam", METRICS)
    before = there(url)
    with RemoteFolder(url) as outer:
        assert not any(outer.here.iterdir())
        evaluate(outer.here, "random", METRICS)
    assert set(before) < set(there(url))
    with RemoteFolder(f"{url}/inner") as inner:
        assert evaluate(inner.here, "cam", METRICS).computed == 0


def test_shards_are_computed_and_merged_there(url: str, evaluate: RunIt, tmp_path: Path) -> None:
    evaluate(tmp_path / "here", METHODS, METRICS)
    for number in (2, 1, 1):
        shard = Shard(number, 2)
        with RemoteFolder(url, shard.folder(Path()).as_posix()) as one:
            evaluate(one.here, METHODS, METRICS, shard=shard)
            assert len(list((one.here / "shards").iterdir())) == 1
    with RemoteFolder(url, shards=True) as whole:
        assert merge_shards(whole.here) == 2
    assert any(name.startswith("shards/") for name in there(url))
    with RemoteFolder(url) as merged:
        assert not (merged.here / "shards").exists()
        pd.testing.assert_frame_equal(table(merged.here), table(tmp_path / "here"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nothing://bucket/run", "Protocol not known: nothing"),
        ("s3://bucket/run", "s3fs"),
        ("s3://", "names no folder"),
        ("memory:///", "names no folder"),
        ("file://{0}/taken/run", "cannot be written ("),
    ],
)
def test_a_url_that_cannot_be_used_is_one_sentence(
    url: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    assert is_url(url)
    words = ["evaluate", "--limit", "8", "--methods", "cam", "--metrics", "sparseness"]
    assert main([*words, "--run-dir", url.format(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len([line for line in told.splitlines() if "error" in line]) == 1


@pytest.mark.parametrize("name", ["runs/mine", "/runs/mine", "C:/runs", "C://runs", "a:b", ""])
def test_a_folder_is_no_url(name: str) -> None:
    assert not is_url(name)


def test_the_command_computes_there_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"file://{tmp_path}/there"
    words = ["evaluate", "--limit", "9", "--methods", "cam", "random", "--metrics", "sparseness"]
    assert main([*words, "--dry-run", "--run-dir", url]) == 0
    assert main([*words, "--run-dir", url]) == 0
    assert f"results in {url}" in capsys.readouterr().out
    assert main([*words, "--run-dir", str(tmp_path / "here")]) == 0
    pd.testing.assert_frame_equal(table(tmp_path / "there"), table(tmp_path / "here"))
    assert (tmp_path / "there" / "standings.json").exists()
    assert main([*words, "--run-dir", url, "--benchmark", "necessity"]) == 2
    assert "--benchmark needs a folder of this machine" in capsys.readouterr().err
