"""The store: writes one run folder, append-only, and knows what is finished; without torch."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from xai_core.evaluation.compaction import write_in_order
from xai_core.evaluation.image_list import Image, ImageList
from xai_core.evaluation.journal import (
    JOURNAL,
    Piece,
    journal_lines,
    pieces_of,
    problem_of,
    read_journal,
)
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.piece_files import (
    Note,
    PieceFiles,
    Rows,
    Scored,
    map_files,
    score_files,
)
from xai_core.evaluation.run_folder import RunFolderError, explained
from xai_core.evaluation.tables import CURVE_SCHEMA, ROW_KEY, SCHEMA
from xai_core.files import append, write_large, write_whole

FOLDERS = ("scores", "curves", "maps")


class Store:
    """Writes one run folder. Whatever is named in parts.jsonl is finished and whole.

    `problems` names what was found damaged on opening, by size; it is forgotten, so computed
    again. Tables are checked by their checksums in `compact`, maps when they are read.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.root = Path(run_dir)
        self.problems: list[str] = []
        self.listed = ImageList(self.root)
        self._done: dict[tuple[str, str], set[str]] = {}
        self._maps: dict[str, str] = {}
        self._guarded(self._open)

    def _open(self) -> None:
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self._keep(lambda piece: not self._noted(piece.problems(self.root)))

    def _keep(self, is_kept: Callable[[Piece], bool]) -> None:
        """Reads the journal, forgets the pieces that are not kept, and files that none names."""
        self._done, self._maps = {}, {}
        named, lines = set[str](), list[bytes]()
        before = journal_lines(self.root)
        for line, piece in pieces_of(before):
            if is_kept(piece):
                self._remember(piece)
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
        return metric_key in self._done.get((unit, method_key), ())

    @property
    def finished(self) -> Mapping[tuple[str, str], set[str]]:
        """(unit, method key) -> what is done of it: metric keys, `maps:predicted` and the like."""
        return self._done

    def write_manifest(self, manifest: Manifest) -> None:
        """Replaces the settings and lists the images; raises RunFolderError where it cannot."""
        images = [{"place": place, **image} for place, image in enumerate(manifest.images)]
        self.list_images(images, manifest.bad_images)
        text = json.dumps(manifest.settings(), indent=1, ensure_ascii=False)
        self._guarded(lambda: write_whole(self.root / "manifest.json", text.encode()))

    def list_images(
        self, images: Iterable[Image] = (), bad: Mapping[str, str] | None = None
    ) -> None:
        """Adds images, and why others cannot be used; raises RunFolderError."""
        self._guarded(lambda: self.listed.add(images, bad))

    def write_scores(
        self, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> None:
        """Adds the scores of one method on one unit by some metrics, and their curves."""
        self.add(score_files(unit, [Scored(method_key, metric_keys, rows, curves)]))

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None:
        """Adds the maps (N, H, W) of one method on one unit; `note` is stored beside them."""
        self.add(map_files(unit, method_key, which, maps, note))

    def add(self, *pieces: PieceFiles) -> None:
        """Adds finished pieces; raises RunFolderError."""
        self._guarded(lambda: self._add(pieces))

    def read_maps(
        self, unit: str, method_key: str, which: str
    ) -> tuple[npt.NDArray[np.float16], Note] | None:
        """Maps as stored and their note; None where there are none, or damaged ones."""
        key = f"maps:{which}"
        if not self.is_done(unit, method_key, key):
            return None
        name = f"maps/{unit}-{method_key}-{which}.safetensors"
        if problem := problem_of(self.root / name, self._maps.get(name, "")):
            self.problems.append(f"{name}: {problem}")
            self._done[unit, method_key].discard(key)
            return None
        return load_maps(self.root, unit, method_key, which)

    def compact(self) -> list[str]:
        """Merges all score parts into one file and all curve parts into another, by method.

        What proves damaged is forgotten and named, one sentence each; nothing is merged then.
        """
        problems: list[str] = []

        def is_sound(piece: Piece) -> bool:
            found = piece.problems(self.root, thorough=True) if piece.kind == "scores" else []
            problems.extend(found)
            return not found

        self._guarded(lambda: self._keep(is_sound))
        pieces = [piece for piece in read_journal(self.root) if piece.kind == "scores"]
        if len(pieces) > 1 and not problems:
            self._guarded(lambda: self._merge(pieces))
        return problems

    def forget_maps(self) -> None:
        """Deletes the stored maps; scores stay, and a new metric computes the maps again."""
        self._guarded(lambda: self._keep(lambda piece: piece.kind == "scores"))

    def adopt(self, other: Path) -> None:
        """Take over what another run folder of the same run has finished, and its images."""
        listed = ImageList(other)
        self.list_images(listed.in_order(), listed.bad)
        for piece in read_journal(other):
            if not all(self._done.get((u, m), set()) >= set(keys) for u, m, keys in piece.done):
                self._guarded(lambda piece=piece: self._take(other, piece))  # type: ignore[misc]

    def _take(self, other: Path, piece: Piece) -> None:
        if problems := piece.problems(other):
            raise RunFolderError(f"{other}: {problems[0]}: run its shard again")
        for name in piece.files:
            write_whole(self.root / name, (other / name).read_bytes())
        append(self.root / JOURNAL, piece.line())
        self._remember(piece)

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

    def _add(self, added: Sequence[PieceFiles]) -> None:
        pieces = []
        for files in added:
            for name, content in files.contents.items():
                write_whole(self.root / name, content)
            sums = {n: hashlib.sha256(content).hexdigest() for n, content in files.contents.items()}
            sizes = {name: len(content) for name, content in files.contents.items()}
            pieces.append(Piece(files.done, sums, files.kind, sizes))
        if pieces:
            append(self.root / JOURNAL, "".join(piece.line() for piece in pieces))
        for piece in pieces:
            self._remember(piece)

    def _remember(self, piece: Piece) -> None:
        if piece.kind == "maps":
            self._maps.update(piece.files)
        for unit, method_key, metric_keys in piece.done:
            kept = self._done.setdefault((unit, sys.intern(method_key)), set())
            kept.update(map(sys.intern, metric_keys))

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


def load_maps(
    run_dir: str | Path, unit: str, method_key: str, which: str = "predicted"
) -> tuple[npt.NDArray[np.float16], Note]:
    """Maps (N, H, W) float16 of one method on one unit, and the note beside them."""
    path = Path(run_dir) / "maps" / f"{unit}-{method_key}-{which}.safetensors"
    try:
        with safe_open(path, framework="numpy") as file:
            return file.get_tensor("maps"), json.loads(file.metadata()["note"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error})") from None
