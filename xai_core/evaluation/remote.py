"""Remote run folders: at an fsspec URL (s3://, gs://, ...), computed here and copied there.

Such storage cannot add to a file or hold a lock, so a run is computed in a folder of this machine.
What is finished is copied every half minute, the journal last: whatever ends this process, what the
remote journal names is there. Who begins last owns the folder; an earlier process finds that out
when it copies, and replaces nothing any more.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from xai_core.evaluation.journal import JOURNAL
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.shards import FOLDER as SHARDS
from xai_core.evaluation.store import FOLDERS

PUSH_SECONDS = 30.0
OWNER = "owner"
"""The file that names the process which has begun last."""
STAYS_HERE = ("lock", "cancel", OWNER)


class TakenOverError(RunFolderError):
    """Another process has begun to write to the same URL."""


class RemoteFolder:
    """The run folder at `url`, with `here` in its place as long as the `with` block lasts.

    `part` is the folder below it that is meant, such as a shard's; with `shards` those are copied
    too. With `only_reads` nothing is changed there. Raises RunFolderError where the URL cannot be
    used.
    """

    def __init__(
        self, url: str, part: str = "", *, shards: bool = False, only_reads: bool = False
    ) -> None:
        self.url = url
        self.here = Path(tempfile.mkdtemp(prefix="campare-"))
        self._part, self._only_reads = PurePosixPath(part), only_reads
        self._folders = (*FOLDERS, SHARDS) if shards else FOLDERS
        self._owner = uuid.uuid4().hex.encode()
        self._there: dict[str, str] = {}
        self._sums: dict[str, str] = {}
        self._made: set[str] = set()
        self._pushed = time.monotonic()

    def __enter__(self) -> RemoteFolder:
        try:
            if not self.url.partition("://")[2].strip("/"):
                raise RunFolderError(f"{self.url}: names no folder; spell it as in s3://bucket/run")
            with self._told("read"):
                self._pull()
            if not self._only_reads:
                with self._told("written"):
                    self._write(str(self._part / OWNER), self._owner)
        except BaseException:
            shutil.rmtree(self.here)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if not self._only_reads:
            try:
                self.push()
            except KeyboardInterrupt:
                raise RunFolderError(
                    f"{self.url}: stopped before all was copied there{self._kept()}"
                ) from None
            with suppress(Exception):
                self._files.rm_file(self._at(str(self._part / OWNER)))
        shutil.rmtree(self.here)

    def push_in_time(self) -> None:
        """Copy what is new if the last time is long ago; a failure is tried again the next time.

        Raises TakenOverError.
        """
        if time.monotonic() >= self._pushed + PUSH_SECONDS:
            try:
                self.push()
            except TakenOverError:
                raise
            except RunFolderError:
                pass
            self._pushed = time.monotonic()

    def push(self) -> None:
        """Copy what is new, and delete there what is no longer here; raises RunFolderError."""
        with self._told("written"):
            self._check_owner()
            journal = self._part / JOURNAL
            named = self.here / journal  # read first: what it names is there by then
            content = named.read_bytes() if named.exists() else None
            names = [name for name in self._names() if name != str(journal)]
            for name in names:
                self._copy(name)
            if content is not None:
                self._check_owner()
                self._put(str(journal), content)
            for name in [n for n in self._there if self._is_piece(n) and n not in names]:
                self._files.rm_file(self._at(name))
                del self._there[name]
            self._sums = {name: self._sums[name] for name in names if name in self._sums}

    def _pull(self) -> None:
        import fsspec

        self._files, self._root = fsspec.core.url_to_fs(self.url)
        self._root = self._root.rstrip("/")
        self._files.invalidate_cache()
        for found in self._files.find(f"{self._root}/{self._part}".removesuffix("/.")):
            name = found.removeprefix(f"{self._root}/").lstrip("/")
            if self._is_ours(name):
                path = self.here / name
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(found, str(path))
                self._there[name] = _checksum(path.read_bytes())

    def _check_owner(self) -> None:
        self._files.invalidate_cache()
        try:
            owner = self._files.cat_file(self._at(str(self._part / OWNER)))
        except FileNotFoundError:
            owner = b""
        if owner != self._owner:
            raise TakenOverError(
                f"{self.url}: another process has begun to write there{self._kept()}"
            )

    def _copy(self, name: str) -> None:
        """A piece never changes under its name, so it is read once."""
        if not self._is_piece(name):
            self._put(name, (self.here / name).read_bytes())
        elif name not in self._sums or self._there.get(name) != self._sums[name]:
            content = (self.here / name).read_bytes()
            self._sums[name] = _checksum(content)
            self._put(name, content)

    def _put(self, name: str, content: bytes) -> None:
        checksum = _checksum(content)
        if self._there.get(name) != checksum:
            self._write(name, content)
            self._there[name] = checksum

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all, where the storage itself would leave half a file, too."""
        place = self._at(name)
        if (folder := place.rpartition("/")[0]) not in self._made:
            self._files.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        if self._is_piece(name):  # the journal names it later
            self._files.pipe_file(place, content)
        else:
            self._files.pipe_file(f"{place}.tmp", content)
            self._files.mv(f"{place}.tmp", place)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _names(self) -> list[str]:
        """The files here that are to be there."""
        paths = (path for path in self.here.rglob("*") if path.is_file())
        names = (path.relative_to(self.here).as_posix() for path in paths)
        return sorted(name for name in names if self._is_ours(name))

    def _is_ours(self, name: str) -> bool:
        path = PurePosixPath(name)
        if not path.is_relative_to(self._part) or path.suffix == ".tmp":
            return False
        own = path.relative_to(self._part).parts
        return own[-1] not in STAYS_HERE and (len(own) == 1 or own[0] in self._folders)

    def _is_piece(self, name: str) -> bool:
        """Whether it is named after its content, in this run and not in a shard of it."""
        return PurePosixPath(name).relative_to(self._part).parts[0] in FOLDERS

    def _kept(self) -> str:
        return f"; what was computed is in {self.here}"

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
            kept = self._kept() if self._names() else ""
            raise RunFolderError(
                f"{self.url}: cannot be {what} ({_first_line(error)}): are its name and your "
                f"credentials right?{kept}"
            ) from error


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
