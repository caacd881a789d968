"""Compaction: many small parts into one file, a method at a time, so that memory stays small.

To open a part takes longer than to read its few rows, so each small one is opened once and many
together. What they hold is set down by method beside the result once it is much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

Parts = Sequence[tuple[Path, Sequence[str]]]
PART = "part"
METHOD = "method_key"
TOGETHER = 64
HELD_ROWS = 2**20
LARGE_BYTES = 2**20
"""A part of more is read once for each of its methods instead of as a whole."""


def write_in_order(path: Path, parts: Parts, schema: pa.Schema, key: Sequence[str]) -> None:
    """The rows of all parts, a row group or more for each method, each sorted by `key`.

    `parts` are files, oldest first, with the keys of their methods; of rows with an equal key those
    of the newest file stay. Raises OSError.
    """
    _write(path, parts, schema, key)
    pa.default_memory_pool().release_unused()  # what it took is not needed again


def _write(path: Path, parts: Parts, schema: pa.Schema, key: Sequence[str]) -> None:
    sources = _Sources(path, schema)
    try:
        sources.gather(parts)
        # without Arrow's schema texts are read as texts, though they are written with dictionaries
        rest: dict[str, Any] = {"compression": "zstd", "store_schema": False}
        with pq.ParquetWriter(path, sources.schema, **rest) as writer:
            for method in sorted({method for _, own in parts for method in own}):
                table = _newest(_joined([*sources.of(method)]), key)
                writer.write_table(table.drop_columns(PART))
    finally:
        sources.close()


class _Sources:
    """Where the rows are: in large parts, in memory by method, and in files set down beside."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._texts = [column.name for column in schema if column.type == pa.string()]
        self.schema = self._with_dictionaries(schema)
        self._nothing = self._numbered(schema.empty_table(), np.zeros(0, np.int64))
        self._large: list[tuple[Path, int, Sequence[str]]] = []
        self._held: dict[str, pa.Table] = {}
        self._set_down: list[Path] = []

    def gather(self, parts: Parts) -> None:
        """Read the small parts."""
        small = []
        for number, (file, methods) in enumerate(parts):
            if file.stat().st_size > LARGE_BYTES:
                self._large.append((file, number, methods))
            else:
                small.append((file, number))
        tables = [self._nothing]
        for start in range(0, len(small), TOGETHER):
            tables.append(self._read(small[start : start + TOGETHER]))
            if sum(map(len, tables)) > HELD_ROWS:
                self._write(_by_method(_joined(tables)))
                tables = [self._nothing]
        self._held = _by_method(_joined(tables))

    def of(self, method: str) -> Iterator[pa.Table]:
        """All rows of a method, with the numbers of their parts."""
        only = {"filters": [(METHOD, "=", method)], "read_dictionary": self._texts}
        for file, number, methods in self._large:
            if method in methods:
                table = pq.read_table(file, columns=self._schema.names, partitioning=None, **only)
                yield self._numbered(table, np.full(len(table), number))
        for file in self._set_down:
            yield self._typed(pq.read_table(file, partitioning=None, **only))
        yield self._held.get(method, self._nothing)

    def close(self) -> None:
        for file in self._set_down:
            file.unlink(missing_ok=True)

    def _read(self, parts: Sequence[tuple[Path, int]]) -> pa.Table:
        """Of some parts at once."""
        files, numbers = [str(file) for file, _ in parts], np.array([number for _, number in parts])
        options = ds.ParquetReadOptions(dictionary_columns=self._texts)
        form = ds.ParquetFileFormat(read_options=options)
        found = ds.dataset(files, self.schema, form)
        table = found.to_table([*self._schema.names, "__fragment_index"], use_threads=False)
        places = table["__fragment_index"].to_numpy()
        return self._numbered(table.select(self._schema.names), numbers[places])

    def _write(self, tables: dict[str, pa.Table]) -> None:
        self._set_down.append(self._path.with_name(f"{self._path.name}-{len(self._set_down)}"))
        schema = self._nothing.schema
        with pq.ParquetWriter(self._set_down[-1], schema, compression="zstd") as writer:
            for _, table in sorted(tables.items()):
                writer.write_table(table)

    def _numbered(self, table: pa.Table, numbers: npt.NDArray[np.int64]) -> pa.Table:
        return self._typed(table.append_column(PART, pa.array(numbers, pa.int32())))

    def _typed(self, table: pa.Table) -> pa.Table:
        return table.cast(self._with_dictionaries(table.schema))

    def _with_dictionaries(self, schema: pa.Schema) -> pa.Schema:
        kinds = {name: pa.dictionary(pa.int32(), pa.string()) for name in self._texts}
        return pa.schema([(c.name, kinds.get(c.name, c.type)) for c in schema])


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    """All in one, with one dictionary for each column of texts."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _by_method(table: pa.Table) -> dict[str, pa.Table]:
    """The rows of each method, in their order."""
    column = table[METHOD].combine_chunks()
    codes = column.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=len(column.dictionary))
    starts = np.cumsum(counts) - counts
    ordered = table.take(order)
    return {
        method: ordered.slice(start, count)
        for method, start, count in zip(column.dictionary.to_pylist(), starts, counts, strict=True)
    }


def _newest(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Sorted by key, rows of an equal key in their order; those of its newest part only."""
    codes = [_ranks(table[name]) for name in key]
    part = table[PART].to_numpy()
    order = np.lexsort((part, *reversed(codes)))
    if not len(order):
        return table
    starts = np.zeros(len(order), bool)
    starts[0] = True
    for column in codes:
        starts[1:] |= np.diff(column[order]) != 0
    ends = np.append(np.flatnonzero(starts)[1:], len(order)) - 1
    newest = part[order][ends[np.cumsum(starts) - 1]]
    return table.take(order[part[order] == newest])


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Each text's place in the alphabet of the column's texts."""
    whole = column.combine_chunks()
    texts = np.asarray(whole.dictionary.to_pylist(), dtype=object)
    places = np.empty(len(texts), np.int64)
    places[np.argsort(texts, kind="stable")] = np.arange(len(texts))
    found: npt.NDArray[np.int64] = places[whole.indices.to_numpy()]
    return found
