"""Compaction: many small parts into one file, a method at a time, so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Parts = Sequence[tuple[Path, Sequence[str]]]
PART = "part"
GATHERED = 64


def write_in_order(path: Path, parts: Parts, schema: pa.Schema, key: Sequence[str]) -> None:
    """The rows of all parts, a row group or more for each method, each sorted by `key`.

    `parts` are files, oldest first, with the keys of their methods; of rows with an equal key those
    of the newest file stay. Raises OSError.
    """
    methods = sorted({method for _, own in parts for method in own})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for method in methods:
            tables = (
                _of_method(file, method, schema, number, len(own) > 1)
                for number, (file, own) in enumerate(parts)
                if method in own
            )
            table = _newest(_gathered(tables), key)
            writer.write_table(table.drop_columns(PART).cast(schema))


def _gathered(tables: Iterator[pa.Table]) -> pa.Table:
    """All in one; a table of a few rows takes many times their memory, so not all at once."""
    groups = []
    while some := list(islice(tables, GATHERED)):
        groups.append(pa.concat_tables(some).unify_dictionaries().combine_chunks())
    return pa.concat_tables(groups).unify_dictionaries()


def _of_method(
    file: Path, method: str, schema: pa.Schema, number: int, has_others: bool
) -> pa.Table:
    texts = [field.name for field in schema if field.type == pa.string()]
    if has_others:  # only this method's row groups: the file may be large
        table = pq.read_table(
            file,
            columns=schema.names,
            read_dictionary=texts,
            filters=[("method_key", "=", method)],
            partitioning=None,
        )
    else:  # in half of the time
        with pq.ParquetFile(file, read_dictionary=texts) as opened:
            table = opened.read(schema.names)
    wanted = pa.schema(
        [(f.name, pa.dictionary(pa.int32(), f.type) if f.name in texts else f.type) for f in schema]
    )
    table = table.select(schema.names).cast(wanted)
    return table.append_column(PART, pa.array(np.full(len(table), number, np.int32)))


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
