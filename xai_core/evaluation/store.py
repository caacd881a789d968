"""The run folder: append-only tables and maps with checksums; read and written without torch.

manifest.json        the settings of what was evaluated, written once by each call
images.jsonl         one line per image, in the order of their computing
parts.jsonl          one line per finished piece: its files, their sha256 and size, what they hold
scores/*.parquet     one row per image, method and metric (COLUMNS)
curves/*.parquet     one row per point of a curve (CURVE_COLUMNS)
maps/*.safetensors   float16 maps of one method on one unit of images
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from xai_core.evaluation.compaction import write_in_order
from xai_core.evaluation.image_list import Image, ImageList
from xai_core.evaluation.manifest import Manifest
from xai_core.files import append, write_large, write_whole

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("dataset", "classifier", "classifier_fingerprint")),
        *((name, pa.string()) for name in ("image", "image_sha256")),
        *((name, pa.int32()) for name in ("label", "level", "predicted", "target")),
        *((name, pa.string()) for name in ("method", "method_key", "metric", "metric_key")),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("removed_fraction", pa.float64()),
        ("precision", pa.string()),
        ("attribute_seconds", pa.float64()),
        ("score_seconds", pa.float64()),
    ]
)
CURVE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("image_sha256", "method_key", "metric_key", "curve")),
        ("fraction", pa.float32()),
        ("value", pa.float32()),
    ]
)
COLUMNS = tuple(SCHEMA.names)
CURVE_COLUMNS = tuple(CURVE_SCHEMA.names)
ROW_KEY = ["image_sha256", "method_key", "metric_key"]
FOLDERS = ("scores", "curves", "maps")

_IS_PART = re.compile(r"(scores|curves|maps)/[^/\\\0]+").fullmatch
Note = dict[str, Any]
Rows = Sequence[dict[str, Any]]


class RunFolderError(RuntimeError):
    """A run folder that cannot be read or written; the message is one sentence for people."""


@dataclass(frozen=True)
class Piece:
    """One finished piece: what it holds, as (unit, method key, metric keys), and its files.

    `files` are sha256 by name, `sizes` bytes by name (journals of former versions have none).
    """

    done: tuple[tuple[str, str, tuple[str, ...]], ...]
    files: dict[str, str]
    kind: str = "scores"
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, line: bytes) -> Piece:
        """The piece of one line; raises ValueError, KeyError or TypeError where it is none."""
        raw = json.loads(line)
        done = tuple(
            (unit, method, tuple(metrics))
            for method, metrics, units in _grouped(raw)
            for unit in units
        )
        files = {name: sha256 for name, sha256 in raw["files"].items() if _IS_PART(name)}
        texts = [*files.values(), *(text for u, m, keys in done for text in (u, m, *keys))]
        if len(files) < len(raw["files"]) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not a piece of this folder")
        sizes = {name: int(size) for name, size in raw.get("sizes", {}).items()}
        return cls(done, files, str(raw["kind"]), sizes)

    def line(self) -> str:
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for unit, method, metrics in self.done:
            groups.setdefault((method, metrics), []).append(unit)
        content = {
            "kind": self.kind,
            "units": [[*group, units] for group, units in groups.items()],
            "files": self.files,
            "sizes": self.sizes,
        }
        return json.dumps(content, separators=(",", ":")) + "\n"

    def problems(self, root: Path, *, thorough: bool = False) -> list[str]:
        """What is wrong with its files: by size, or `thorough` by checksum too."""
        found = (
            (name, _problem(root / name, sha256, None if thorough else self.sizes.get(name)))
            for name, sha256 in self.files.items()
        )
        return [f"{name}: {problem}" for name, problem in found if problem]


def load_manifest(run_dir: str | Path) -> Manifest:
    """What was evaluated; raises RunFolderError where there is no readable run."""
    path = Path(run_dir) / "manifest.json"
    try:
        manifest, listed = Manifest.read(path), ImageList(Path(run_dir))
        if listed.images or listed.bad:
            manifest.images, manifest.bad_images = listed.in_order(), listed.bad
        return manifest
    except FileNotFoundError:
        raise RunFolderError(f"{run_dir}: no evaluation run in this folder") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RunFolderError(str(error)) from None


def load_scores(run_dir: str | Path, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """All scores of a run, one row each (COLUMNS or some of them); damaged parts are left out.

    Some must have ROW_KEY. Raises RunFolderError where there is no readable run.
    """
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    tables = _sound_tables(Path(run_dir), "scores/", schema)
    whole = pa.concat_tables([schema.empty_table(), *tables])
    is_one = len(tables) < 2  # a part has no row twice
    del tables
    frame: pd.DataFrame = whole.to_pandas(
        types_mapper={pa.int32(): pd.Int32Dtype()}.get, split_blocks=True, self_destruct=True
    )
    return frame if is_one else frame.drop_duplicates(ROW_KEY, keep="last", ignore_index=True)


def load_curves(run_dir: str | Path) -> pd.DataFrame:
    """All points of all curves of a run (CURVE_COLUMNS); damaged parts are left out."""
    tables = _sound_tables(Path(run_dir), "curves/", CURVE_SCHEMA)
    if len(tables) < 2:
        whole: pd.DataFrame = pa.concat_tables([CURVE_SCHEMA.empty_table(), *tables]).to_pandas()
        return whole
    numbered = [
        table.append_column("part", pa.array(np.full(len(table), number, dtype=np.int32)))
        for number, table in enumerate(tables)
    ]
    frame: pd.DataFrame = pa.concat_tables(numbered).to_pandas()
    newest = frame.groupby([*ROW_KEY, "curve"])["part"].transform("max")
    return frame[frame["part"] == newest].drop(columns="part").reset_index(drop=True)


def find_problems(run_dir: str | Path) -> list[str]:
    """One sentence for each damaged or missing file of a run."""
    root = Path(run_dir)
    newest = {name: sha for piece in read_journal(root) for name, sha in piece.files.items()}
    found = ((name, _problem(root / name, sha256)) for name, sha256 in newest.items())
    return [f"{name}: {problem}" for name, problem in found if problem]


def find_runs(folder: str | Path) -> list[Path]:
    """The run folders in a folder, sorted by name."""
    return sorted(path.parent for path in Path(folder).glob("*/manifest.json"))


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
        before = _journal_lines(self.root)
        for line, piece in _pieces(before):
            if is_kept(piece):
                self._remember(piece)
                named.update(piece.files)
                lines.append(line + b"\n")
        wanted = b"".join(lines)
        if b"\n".join(before) != wanted:
            write_whole(self.root / "parts.jsonl", wanted)
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
        tag = hashlib.sha256("/".join((unit, method_key, *metric_keys)).encode()).hexdigest()[:16]
        contents = {f"scores/{tag}.parquet": _parquet(pa.Table.from_pylist(list(rows), SCHEMA))}
        if curves:
            table = pa.concat_tables([_curve_table(row) for row in curves])
            contents[f"curves/{tag}.parquet"] = _parquet(table)
        self._guarded(
            lambda: self._add(((unit, method_key, tuple(metric_keys)),), contents, "scores")
        )

    def write_maps(
        self, unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
    ) -> None:
        """Adds the maps (N, H, W) of one method on one unit; `note` is stored beside them."""
        content = save({"maps": maps}, {"note": json.dumps(note)})
        name = f"maps/{unit}-{method_key}-{which}.safetensors"
        self._guarded(
            lambda: self._add(((unit, method_key, (f"maps:{which}",)),), {name: content}, "maps")
        )

    def read_maps(
        self, unit: str, method_key: str, which: str
    ) -> tuple[npt.NDArray[np.float16], Note] | None:
        """Maps as stored and their note; None where there are none, or damaged ones."""
        key = f"maps:{which}"
        if not self.is_done(unit, method_key, key):
            return None
        name = f"maps/{unit}-{method_key}-{which}.safetensors"
        if problem := _problem(self.root / name, self._maps.get(name, "")):
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
        append(self.root / "parts.jsonl", piece.line())
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
        write_whole(self.root / "parts.jsonl", journal.encode())
        self._keep(lambda piece: True)

    def _add(
        self,
        done: tuple[tuple[str, str, tuple[str, ...]], ...],
        contents: dict[str, bytes],
        kind: str,
    ) -> None:
        for name, content in contents.items():
            write_whole(self.root / name, content)
        checksums = {n: hashlib.sha256(content).hexdigest() for n, content in contents.items()}
        piece = Piece(done, checksums, kind, {n: len(content) for n, content in contents.items()})
        append(self.root / "parts.jsonl", piece.line())
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
        for name in ("manifest.json", "parts.jsonl", "status.json"):
            for path in self.root.glob(f"{name}.*.tmp"):
                if own not in path.name:
                    path.unlink(missing_ok=True)

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            raise RunFolderError(_explained(self.root, error)) from None


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


def _curve_table(row: dict[str, Any]) -> pa.Table:
    """The points of one curve; `fraction` and `value` are arrays, the rest is repeated."""
    points = len(row["value"])
    columns = {
        name: pa.array(row[name], pa.float32())
        if name in ("fraction", "value")
        else pa.array([row[name]] * points, pa.string())
        for name in CURVE_COLUMNS
    }
    return pa.table(columns, CURVE_SCHEMA)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_journal(root: Path) -> list[Piece]:
    """The finished pieces, oldest first; a line that is damaged or was left half is ignored."""
    return [piece for _, piece in _pieces(_journal_lines(root))]


def _journal_lines(root: Path) -> list[bytes]:
    try:
        return (root / "parts.jsonl").read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(_explained(root, error)) from None


def _pieces(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Piece]]:
    for line in lines:
        try:
            yield line, Piece.read(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _grouped(raw: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """(method, metrics, units), also of a line in the former form: (unit, method, metrics)."""
    if "done" in raw:
        return [(method, metrics, [unit]) for unit, method, metrics in raw["done"]]
    return [(method, metrics, units) for method, metrics, units in raw["units"]]


def _problem(path: Path, checksum: str, size: int | None = None) -> str | None:
    """Why a file cannot be used: by its size where that is given, else by its checksum."""
    again = "its results are computed again"
    try:
        if size is not None:
            return None if path.stat().st_size == size else f"damaged, {again}"
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return f"missing, {again}"
    except OSError as error:
        return f"cannot be read ({error.strerror}), {again}"
    return None if found == checksum else f"damaged, {again}"


def _sound_tables(root: Path, prefix: str, schema: pa.Schema) -> list[pa.Table]:
    load_manifest(root)
    return [
        pq.read_table(root / name, columns=schema.names, schema=schema)
        for piece in read_journal(root)
        for name, checksum in piece.files.items()
        if name.startswith(prefix) and not _problem(root / name, checksum)
    ]


def _explained(root: Path, error: OSError) -> str:
    kept = "finished results are kept"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{root}: the disk is full; {kept}: free some space and run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{root}: cannot be written ({error.strerror}); {kept}: choose another run folder"
    return f"{root}: {error.strerror or error}; {kept}: run the same command again"
