"""Finished pieces: what was computed of a unit, and many of them as the bytes of few files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from xai_core.evaluation.journal import Done, Piece
from xai_core.evaluation.map_files import KeptMaps, as_safetensors
from xai_core.evaluation.tables import SCHEMA, as_parquet, curve_table
from xai_core.files import WHOLE

Rows = Sequence[dict[str, Any]]
ORDER = [(name, "ascending") for name in ("method_key", "image_sha256", "metric_key")]


@dataclass(frozen=True)
class Scored:
    """What metrics say of methods on units: `done` as in the journal, and the rows as tables."""

    done: Done
    scores: pa.Table
    curves: pa.Table

    @classmethod
    def of(
        cls, unit: str, method_key: str, metric_keys: Sequence[str], rows: Rows, curves: Rows
    ) -> Scored:
        """Of one method on one unit."""
        done = ((unit, method_key, tuple(metric_keys)),)
        return cls(done, pa.Table.from_pylist(rows, SCHEMA), curve_table(curves))

    @classmethod
    def joined(cls, scored: Sequence[Scored]) -> Scored:
        """Several in one."""
        return cls(
            tuple(chain.from_iterable(one.done for one in scored)),
            pa.concat_tables([one.scores for one in scored]).combine_chunks(),
            pa.concat_tables([one.curves for one in scored]).combine_chunks(),
        )

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return int(self.scores.nbytes + self.curves.nbytes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as three texts: a table's own way has a buffer for each part of a column."""
        return _unpacked, (self.done, _packed(self.scores), _packed(self.curves))


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")  # texts are repeated in every row
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(done: Done, scores: bytes, curves: bytes) -> Scored:
    return Scored(done, *(pa.ipc.open_stream(content).read_all() for content in (scores, curves)))


Finished = Scored | KeptMaps


@dataclass(frozen=True)
class PieceFiles:
    """A piece for the journal, and what its files hold."""

    piece: Piece
    contents: dict[str, bytes]

    @classmethod
    def of(cls, kind: str, done: Done, contents: dict[str, bytes]) -> PieceFiles:
        """`contents` by kind of file; each is named after its checksum."""
        named, sums = {}, {}
        for pattern, content in contents.items():
            sha256 = hashlib.sha256(content).hexdigest()
            name = pattern.format(sha256[:16])
            named[name], sums[name] = content, sha256
        sizes = {name: len(content) for name, content in named.items()}
        return cls(Piece(done, sums, kind, sizes), named)


def piece_files(
    scored: Sequence[Scored], kept: Sequence[KeptMaps], *, in_order: bool = False
) -> Iterator[PieceFiles]:
    """One file of all maps; one of all scores and one of all curves.

    `in_order`: rows and names are those of compaction, which then has nothing to do.
    """
    if kept:
        done = tuple(one.done for one in kept)
        yield PieceFiles.of("maps", done, {"maps/{}.safetensors": as_safetensors(kept)})
    if scored:
        whole = Scored.joined(scored)
        tables, mark = {"scores": whole.scores, "curves": whole.curves}, ""
        if in_order:  # the points of a curve stay as they are: the sort is stable
            orders, mark = {"scores": ORDER, "curves": [*ORDER, ("curve", "ascending")]}, WHOLE
            tables = {name: table.sort_by(orders[name]) for name, table in tables.items()}
        contents = {
            f"{name}/{mark}{{}}.parquet": as_parquet(table)
            for name, table in tables.items()
            if name == "scores" or len(table)
        }
        yield PieceFiles.of("scores", whole.done, contents)
