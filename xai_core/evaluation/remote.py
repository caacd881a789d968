"""Remote run folders: at an fsspec URL (s3://, gs://, ...), computed here and copied there.

Such storage cannot add to a file or hold a lock, so a run is computed in a folder of this machine.
What is finished is copied every half minute, the journal last: whatever ends this process, what the
remote journal names is there. One process at a time may write to a URL; another one's journal is
found and nothing of it replaced.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xai_core.evaluation.journal import JOURNAL
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.shards import FOLDER as SHARDS
from xai_core.evaluation.store import FOLDERS

PUSH_SECONDS = 30.0
STAYS_HERE = ("lock", "cancel")


def is_url(name: str) -> bool:
    """Whether this names storage elsewhere rather than a folder of this machine."""
    return "://" in name


class RemoteFolder:
    """The run folder at `url`, with `here` in its place as long as the `with` block lasts.

    `part` is the only folder below it that is copied, "" all but the shards, "*" all. Raises
    RunFolderError where the URL cannot be used.
    """

    def __init__(self, url: str, part: str = "") -> None:
        self.url, self._part = url.rstrip("/"), part
        self.here = Path(tempfile.mkdtemp(prefix="campare-"))
        self._there: dict[str, str] = {}
        self._pushed: float | None = None

    def __enter__(self) -> RemoteFolder:
        import fsspec

        try:
            with self._told("read"):
                self._files, self._root = fsspec.core.url_to_fs(self.url)
                self._pull()
        except BaseException:
            shutil.rmtree(self.here)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.push()
        shutil.rmtree(self.here)

    def push_in_time(self) -> None:
        """Copy what is new, if the last time was long ago.

        Raises RunFolderError the first time: better told before all is computed. Where it fails
        later it is tried again.
        """
        if self._pushed is None:
            self.push()
        elif time.monotonic() >= self._pushed + PUSH_SECONDS:
            with suppress(RunFolderError):
                self.push()
        else:
            return
        self._pushed = time.monotonic()

    def push(self) -> None:
        """Copy what is new, and delete there what is no longer here; raises RunFolderError."""
        with self._told("written"):
            self._check_journal()
            journals = [name for name in self._names() if Path(name).name == JOURNAL]
            contents = {name: (self.here / name).read_bytes() for name in journals}
            for name in self._names():
                is_copied = name in self._there and _is_part(name)  # they never change
                if name not in contents and not is_copied:
                    self._put(name, (self.here / name).read_bytes())
            for name, content in contents.items():
                self._put(name, content)
            for name in self._there.keys() - set(self._names()):
                if _is_part(name):
                    self._files.rm_file(self._at(name))
                    del self._there[name]

    def _pull(self) -> None:
        start = f"{self._root}/"
        for found in self._files.find(self._root):
            name = found.removeprefix(start).lstrip("/")
            if self._is_ours(name):
                path = self.here / name
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(found, str(path))
                self._there[name] = _checksum(path.read_bytes())

    def _check_journal(self) -> None:
        """Raises RunFolderError where another process has written there meanwhile."""
        self._files.invalidate_cache()
        for name in self._names():
            if Path(name).name == JOURNAL and self._files.exists(self._at(name)):
                found = _checksum(self._files.cat_file(self._at(name)))
                if found != self._there.get(name):
                    raise RunFolderError(
                        f"{self.url}: another process has written there meanwhile; what was "
                        f"computed here is in {self.here}"
                    )

    def _put(self, name: str, content: bytes) -> None:
        checksum = _checksum(content)
        if self._there.get(name) != checksum:
            place = self._at(name)
            self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(place, content)
            self._there[name] = checksum

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _names(self) -> list[str]:
        """The files here that are to be there."""
        paths = (path for path in self.here.rglob("*") if path.is_file())
        names = (path.relative_to(self.here).as_posix() for path in paths)
        return sorted(name for name in names if self._is_ours(name))

    def _is_ours(self, name: str) -> bool:
        if Path(name).name in STAYS_HERE or name.endswith(".tmp"):
            return False
        if self._part in ("", "*"):
            return self._part == "*" or not name.startswith(f"{SHARDS}/")
        return name.startswith(f"{self._part}/")

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever a kind of storage raises, as one sentence."""
        try:
            yield
        except RunFolderError:
            raise
        except ImportError as error:
            raise RunFolderError(
                f"{self.url}: a package for this kind of storage is missing ({error}): install it, "
                "or name a folder"
            ) from None
        except Exception as error:
            kept = "" if what == "read" else f"; what was computed is in {self.here}"
            raise RunFolderError(
                f"{self.url}: cannot be {what} ({_first_line(error)}): are its name and your "
                f"credentials right?{kept}"
            ) from error


def _is_part(name: str) -> bool:
    return Path(name).parent.name in FOLDERS


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
