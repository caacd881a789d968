"""The store: writes one run folder, append-only, and knows what is finished; without torch."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xai_core.evaluation.compaction import write_in_order
from xai_core.evaluation.holding import Holding
from xai_core.evaluation.image_list import Image, ImageList
from xai_core.evaluation.journal import (
    JOURNAL,
    Done,
    Piece,
    journal_lines,
    pieces_of,
    problem_of,
    read_journal,
)
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.map_files import MARK, KeptMaps, MapFiles, Maps, Note
from xai_core.evaluation.pieces import Finished, Rows, Scored, piece_files
from xai_core.evaluation.run_folder import RunFolderError, explained
from xai_core.evaluation.tables import CURVE_SCHEMA, ROW_KEY, SCHEMA
from xai_core.files import WHOLE, append, write_large, write_whole

FOLDERS = ("scores", "curves", "maps")


class Store:
    """Writes one run folder. Whatever is named in parts.jsonl is finished and whole.

    What is added is on disk when the call returns, but within `holding`: there it is held for a
    second at most, and what came meanwhile is written in one file of each kind.

    `problems` names what was found damaged on opening, by size; it is forgotten, so computed
    again. Tables are checked by their checksums in `compact`, maps when they are read.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.root = Path(run_dir)
        self.problems: list[str] = []
        self.listed = ImageList(self.root)
        self._done: dict[tuple[str, str], frozenset[str]] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}
        """Units that have the same finished share one set."""
        self._maps = MapFiles(self.root, ())
        self._damaged: set[str] = set()
        self._sound: set[str] = set()
        self._scored: list[Scored] = []
        self._kept: dict[tuple[str, str, str], KeptMaps] = {}
        self._held_bytes = 0
        self._is_first = False
        self._writing = Holding(lambda: self._guarded(self._write_held))
        self._guarded(self._open)

    def _open(self) -> None:
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self._keep(lambda piece: not self._noted(piece.problems(self.root)))

    def _keep(self, is_kept: Callable[[Piece], bool]) -> None:
        """Reads the journal, forgets the pieces that are not kept, and files that none names."""
        self._done, self._maps = {}, MapFiles(self.root, ())
        named, lines = set[str](), list[bytes]()
        before = journal_lines(self.root)
        for line, piece in pieces_of(before):
            if is_kept(piece) and self._damaged.isdisjoint(piece.files):
                self._remember(piece.done)
                self._maps.know(piece)
                named.update(piece.files)
                lines.append(line + b"\n")
        wanted = b"".join(lines)
        if b"\n".join(before) != wanted:
            write_whole(self.root / JOURNAL, wanted)
        self._sweep(named)

    def _noted(self, problems: list[str]) -> bool:
        self.problems += problems
        return bool(problems)

    def is_done(self, unit: str, method_key: str, metric_key: str) -> bool:
        return metric_key in self._done_of(unit, method_key)

    @property
    def finished(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """(unit, method key) -> what is done of it: metric keys, `maps:predicted` and the like."""
        return self._done

    def write_manifest(self, manifest: Manifest) -> None:
        """Replaces the settings and lists the images; raises RunFolderError where it cannot."""
        images = [{"place": place, **image} for place, image in enumerate(manifest.images)]
        self.list_images(images, manifest.bad_images)
        self._writing.now()
        text = json.dumps(manifest.settings(), indent=1, ensure_ascii=False)
        self._guarded(lambda: write_whole(self.root / "manifest.json", text.encode()))

    def list_images(
        self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None
    ) -> None:
        """Adds images, and why others cannot be used; raises RunFolderError."""
        with self._writing.lock:
            self.listed.add(images, bad)
            self._writing.soon(self._held_bytes)

    def images(self) -> Iterator[Image]:
        """What is known of each image; raises RunFolderError."""
        with self._writing.lock:  # what is held is not written meanwhile
            try:
                yield from self.listed
            except OSError as error:
                raise RunFolderError(explained(self.root, error)) from None

    def write_scores(
        self, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> None:
        """Adds the scores of one method on one unit by some metrics, and their curves."""
        self.add(Scored.of(unit, method_key, metric_keys, rows, curves))

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None:
        """Adds the maps (N, H, W) of one method on one unit; `note` is stored beside them."""
        self.add(KeptMaps(unit, method_key, which, maps, note))

    def add(self, *finished: Finished) -> None:
        """Adds finished pieces; raises RunFolderError."""
        with self._writing.lock:
            for one in finished:
                self._held_bytes += one.size
                if isinstance(one, Scored):
                    self._scored.append(one)
                    self._remember(one.done)
                else:
                    self._kept[one.unit, one.method_key, one.which] = one
                    self._remember((one.done,))
            self._writing.soon(self._held_bytes)

    def read_maps(self, unit: str, method_key: str, which: str) -> Maps | None:
        """Maps as stored and their note; None where there are none, or damaged ones."""
        key = (unit, method_key, which)
        with self._writing.lock:
            if held := self._kept.get(key):
                return held.maps, held.note
            place = self._maps.place(*key)
            if place and self._is_sound(*place):
                return self._maps.read(*key)
            if (unit, method_key) in self._done:
                left = self._done_of(unit, method_key) - {f"{MARK}{which}"}
                self._set_done(unit, method_key, left)
            return None

    def _is_sound(self, name: str, sha256: str) -> bool:
        """Whether a file of maps is as it was written; one that is not is forgotten and named."""
        if name not in self._sound and name not in self._damaged:
            if problem := problem_of(self.root / name, sha256):
                self.problems.append(f"{name}: {problem}")
                self._damaged.add(name)
            else:
                self._sound.add(name)
        return name in self._sound

    def holding(self) -> AbstractContextManager[None]:
        """Within, what is added is on disk a second later; at the end all of it is.

        Raises RunFolderError.
        """
        return self._writing.on()

    def compact(self) -> list[str]:
        """Merges all score parts into one file and all curve parts into another, by method.

        However many parts there were, the rows have one order.
        What proves damaged is forgotten and named, one sentence each; nothing is merged then.
        """
        problems: list[str] = []
        self._is_first = not self._scores_of(read_journal(self.root))
        self._writing.now()
        self._is_first = False

        def is_sound(piece: Piece) -> bool:
            found = piece.problems(self.root, thorough=True) if piece.kind == "scores" else []
            problems.extend(found)
            return not found

        self._guarded(lambda: self._keep(is_sound))
        pieces = self._scores_of(read_journal(self.root))
        names = [Path(name).name for piece in pieces for name in piece.files]
        is_merged = len(pieces) < 2 and all(name.startswith(WHOLE) for name in names)
        if not is_merged and not problems:
            self._guarded(lambda: self._merge(pieces))
        return problems

    @staticmethod
    def _scores_of(pieces: Sequence[Piece]) -> list[Piece]:
        return [piece for piece in pieces if piece.kind == "scores"]

    def forget_maps(self) -> None:
        """Deletes the stored maps; scores stay, and a new metric computes the maps again."""
        self._guarded(lambda: self._keep(lambda piece: piece.kind == "scores"))

    def adopt(self, other: Path) -> None:
        """Take over what another run folder of the same run has finished, and its images."""
        listed = ImageList(other)
        self.list_images(listed, listed.bad)
        for piece in read_journal(other):
            if not all(self._done_of(u, m) >= set(keys) for u, m, keys in piece.done):
                self._guarded(lambda piece=piece: self._take(other, piece))  # type: ignore[misc]

    def _take(self, other: Path, piece: Piece) -> None:
        if problems := piece.problems(other):
            raise RunFolderError(f"{other}: {problems[0]}: run its shard again")
        for name in piece.files:
            write_whole(self.root / name, (other / name).read_bytes())
        append(self.root / JOURNAL, piece.line())
        self._remember(piece.done)
        self._maps.know(piece)

    def _merge(self, pieces: list[Piece]) -> None:
        files, sizes = {}, {}
        for folder, schema, key in (
            ("scores", SCHEMA, ROW_KEY),
            ("curves", CURVE_SCHEMA, [*ROW_KEY, "curve"]),
        ):
            parts = [
                (self.root / name, sorted({method for _, method, _ in piece.done}))
                for piece in pieces
                for name in piece.files
                if name.startswith(f"{folder}/")
            ]
            if not parts:
                continue
            path, checksum = write_large(
                self.root / folder,
                lambda path, p=parts, s=schema, k=key: write_in_order(path, p, s, k),  # type: ignore[misc]
            )
            files[f"{folder}/{path.name}"] = checksum
            sizes[f"{folder}/{path.name}"] = path.stat().st_size
        done: dict[tuple[str, str], dict[str, None]] = {}
        for unit, method, metrics in (entry for piece in pieces for entry in piece.done):
            done.setdefault((unit, method), {}).update(dict.fromkeys(metrics))
        merged = Piece(tuple((*k, tuple(v)) for k, v in done.items()), files, "scores", sizes)
        others = (piece for piece in read_journal(self.root) if piece.kind != "scores")
        journal = "".join(piece.line() for piece in (merged, *others))
        write_whole(self.root / JOURNAL, journal.encode())
        self._keep(lambda piece: True)

    def _write_held(self) -> None:
        self.listed.write()
        kept = list(self._kept.values())
        added = list(piece_files(self._scored, kept, in_order=self._is_first))
        for files in added:
            for name, content in files.contents.items():
                write_whole(self.root / name, content)
                self._damaged.discard(name)
        if added:
            append(self.root / JOURNAL, "".join(files.piece.line() for files in added))
        for files in added:
            self._maps.know(files.piece)
        self._scored, self._kept, self._held_bytes = [], {}, 0

    def _remember(self, done: Done) -> None:
        for unit, method_key, metric_keys in done:
            self._set_done(unit, method_key, self._done_of(unit, method_key).union(metric_keys))

    def _done_of(self, unit: str, method_key: str) -> frozenset[str]:
        return self._done.get((unit, method_key), frozenset())

    def _set_done(self, unit: str, method_key: str, keys: frozenset[str]) -> None:
        self._done[unit, sys.intern(method_key)] = self._sets.setdefault(keys, keys)

    def _sweep(self, named: set[str]) -> None:
        """Removes what a killed process left behind: files that no line of the journal names."""
        for folder in FOLDERS:
            for path in (self.root / folder).iterdir():
                if f"{folder}/{path.name}" not in named and path.is_file():
                    path.unlink()
        own = f".{os.getpid()}-"
        for name in ("manifest.json", JOURNAL, "status.json"):
            for path in self.root.glob(f"{name}.*.tmp"):
                if own not in path.name:
                    path.unlink(missing_ok=True)

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise RunFolderError(explained(self.root, error)) from None
