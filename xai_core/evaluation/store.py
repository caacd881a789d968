"""The run folder: append-only tables and maps with checksums; read and written without torch.

manifest.json        what was evaluated, with which settings
parts.jsonl          one line per finished piece: its files, their sha256, what they hold
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from xai_core.evaluation.manifest import Manifest
from xai_core.files import write_whole

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
WHOLE_NUMBERS = ("label", "level", "predicted", "target")

_IS_PART = re.compile(r"(scores|curves|maps)/[^/\\\0]+").fullmatch
Note = dict[str, Any]
Rows = Sequence[dict[str, Any]]


class RunFolderError(RuntimeError):
    """A run folder that cannot be read or written; the message is one sentence for people."""


@dataclass(frozen=True)
class Piece:
    """One finished piece: what it holds, as (unit, method key, metric keys), and its files."""

    done: tuple[tuple[str, str, tuple[str, ...]], ...]
    files: dict[str, str]
    kind: str = "scores"

    @classmethod
    def read(cls, line: bytes) -> Piece:
        """The piece of one line; raises ValueError, KeyError or TypeError where it is none."""
        raw = json.loads(line)
        done = tuple((unit, method, tuple(metrics)) for unit, method, metrics in raw["done"])
        files = {name: sha256 for name, sha256 in raw["files"].items() if _IS_PART(name)}
        texts = [*files.values(), *(text for u, m, keys in done for text in (u, m, *keys))]
        if len(files) < len(raw["files"]) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not a piece of this folder")
        return cls(done, files, str(raw["kind"]))

    def line(self) -> str:
        content = {"kind": self.kind, "done": self.done, "files": self.files}
        return json.dumps(content, separators=(",", ":")) + "\n"


def load_manifest(run_dir: str | Path) -> Manifest:
    """What was evaluated; raises RunFolderError where there is no readable run."""
    path = Path(run_dir) / "manifest.json"
    try:
        return Manifest.read(path)
    except FileNotFoundError:
        raise RunFolderError(f"{run_dir}: no evaluation run in this folder") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RunFolderError(str(error)) from None


def load_scores(run_dir: str | Path) -> pd.DataFrame:
    """All scores of a run, one row each (COLUMNS); damaged parts are left out.

    Raises RunFolderError where there is no readable run.
    """
    tables = _sound_tables(Path(run_dir), "scores/", SCHEMA)
    frame: pd.DataFrame = pa.concat_tables([SCHEMA.empty_table(), *tables]).to_pandas()
    frame = frame.drop_duplicates(ROW_KEY, keep="last", ignore_index=True)
    return frame.astype(dict.fromkeys(WHOLE_NUMBERS, "Int32"))


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
    return [
        f"{name}: {problem}"
        for piece in read_journal(root)
        for name, checksum in piece.files.items()
        if (problem := _problem(root / name, checksum))
    ]


def find_runs(folder: str | Path) -> list[Path]:
    """The run folders in a folder, sorted by name."""
    return sorted(path.parent for path in Path(folder).glob("*/manifest.json"))


class Store:
    """Writes one run folder. Whatever is named in parts.jsonl is finished and whole.

    `problems` names what was found damaged on opening; it is forgotten, so computed again.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.root = Path(run_dir)
        self.problems: list[str] = []
        self._pieces: list[Piece] = []
        self._done: set[tuple[str, str, str]] = set()
        self._guarded(self._open)

    def _open(self) -> None:
        for folder in ("scores", "curves", "maps"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for piece in read_journal(self.root):
            found = {name: _problem(self.root / name, sha) for name, sha in piece.files.items()}
            bad = [f"{name}: {problem}" for name, problem in found.items() if problem]
            self.problems += bad
            if not bad:
                self._remember(piece)
        journal = self.root / "parts.jsonl"
        wanted = "".join(piece.line() for piece in self._pieces).encode()
        if (journal.read_bytes() if journal.exists() else b"") != wanted:
            write_whole(journal, wanted)
        self._sweep()

    def is_done(self, unit: str, method_key: str, metric_key: str) -> bool:
        return (unit, method_key, metric_key) in self._done

    def write_manifest(self, manifest: Manifest) -> None:
        """Replaces the manifest at once; raises RunFolderError where it cannot be written."""
        text = json.dumps(manifest.as_dict(), indent=1, ensure_ascii=False)
        self._guarded(lambda: write_whole(self.root / "manifest.json", text.encode()))

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
        """Maps as stored and their note; None where there are none."""
        if not self.is_done(unit, method_key, f"maps:{which}"):
            return None
        return load_maps(self.root, unit, method_key, which)

    def compact(self) -> None:
        """Merges all score parts into one file and all curve parts into another."""
        pieces = [piece for piece in self._pieces if piece.kind == "scores"]
        if len(pieces) > 1:
            self._guarded(lambda: self._merge(pieces))

    def forget_maps(self) -> None:
        """Deletes the stored maps; scores stay, and a new metric computes the maps again."""
        self._pieces = [piece for piece in self._pieces if piece.kind == "scores"]
        journal = "".join(piece.line() for piece in self._pieces)
        self._guarded(lambda: write_whole(self.root / "parts.jsonl", journal.encode()))
        self._guarded(self._sweep)

    def _merge(self, pieces: list[Piece]) -> None:
        scores = load_scores(self.root).sort_values(ROW_KEY, kind="stable")
        curves = load_curves(self.root).sort_values([*ROW_KEY, "curve"], kind="stable")
        tables = {
            "scores": pa.Table.from_pandas(scores, SCHEMA, preserve_index=False),
            "curves": pa.Table.from_pandas(curves, CURVE_SCHEMA, preserve_index=False),
        }
        files = {}
        for kind, table in tables.items():
            content = _parquet(table)
            checksum = hashlib.sha256(content).hexdigest()
            files[f"{kind}/all-{checksum[:16]}.parquet"] = checksum
            write_whole(self.root / f"{kind}/all-{checksum[:16]}.parquet", content)
        done = tuple(dict.fromkeys(entry for piece in pieces for entry in piece.done))
        merged = Piece(done, files)
        others = [piece for piece in self._pieces if piece.kind != "scores"]
        journal = "".join(piece.line() for piece in [merged, *others])
        write_whole(self.root / "parts.jsonl", journal.encode())
        self._pieces = [merged, *others]
        self._sweep()

    def _add(
        self,
        done: tuple[tuple[str, str, tuple[str, ...]], ...],
        contents: dict[str, bytes],
        kind: str,
    ) -> None:
        for name, content in contents.items():
            write_whole(self.root / name, content)
        checksums = {n: hashlib.sha256(content).hexdigest() for n, content in contents.items()}
        piece = Piece(done, checksums, kind)
        with (self.root / "parts.jsonl").open("a", encoding="utf-8") as journal:
            journal.write(piece.line())
            journal.flush()
            os.fsync(journal.fileno())
        self._remember(piece)

    def _remember(self, piece: Piece) -> None:
        self._pieces.append(piece)
        for unit, method_key, metric_keys in piece.done:
            self._done.update((unit, method_key, metric) for metric in metric_keys)

    def _sweep(self) -> None:
        """Removes what a killed process left behind: files that no line of the journal names."""
        named = {name for piece in self._pieces for name in piece.files}
        for folder in ("scores", "curves", "maps"):
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
    try:
        lines = (root / "parts.jsonl").read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(_explained(root, error)) from None
    pieces = []
    for line in lines:
        try:
            pieces.append(Piece.read(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return pieces


def _problem(path: Path, checksum: str) -> str | None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing, its results are computed again"
    except OSError as error:
        return f"cannot be read ({error.strerror}), its results are computed again"
    return None if found == checksum else "damaged, its results are computed again"


def _sound_tables(root: Path, prefix: str, schema: pa.Schema) -> list[pa.Table]:
    load_manifest(root)
    return [
        pq.read_table(root / name, schema=schema)
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
