"""Tables of a run: scores and curves, their columns, and how parts are read and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xai_core.evaluation.journal import problem_of, read_journal
from xai_core.evaluation.run_folder import load_manifest

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


def load_scores(
    run_dir: str | Path, columns: Sequence[str] = COLUMNS, metric: str = ""
) -> pd.DataFrame:
    """All scores of a run, one row each (COLUMNS or some of them); damaged parts are left out.

    Of one `metric` where one is named. Some columns must have ROW_KEY. Raises RunFolderError where
    there is no readable run.
    """
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    tables = _sound_tables(Path(run_dir), "scores/", schema, metric)
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


def curve_table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """The points of some curves; `fraction` and `value` are arrays, the rest is repeated."""
    if not rows:
        return CURVE_SCHEMA.empty_table()
    lengths = [len(row["value"]) for row in rows]
    columns = {
        name: pa.array(np.concatenate([row[name] for row in rows]), pa.float32())
        if name in ("fraction", "value")
        else pa.array(np.repeat([row[name] for row in rows], lengths), pa.string())
        for name in CURVE_COLUMNS
    }
    return pa.table(columns, CURVE_SCHEMA)


def as_parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _sound_tables(root: Path, prefix: str, schema: pa.Schema, metric: str = "") -> list[pa.Table]:
    load_manifest(root)
    return [
        _of_metric(root / name, schema, metric)
        if metric
        else pq.read_table(root / name, columns=schema.names, schema=schema)
        for piece in read_journal(root)
        for name, checksum in piece.files.items()
        if name.startswith(prefix) and not problem_of(root / name, checksum)
    ]


def _of_metric(path: Path, schema: pa.Schema, metric: str) -> pa.Table:
    """The rows of one metric, a row group at a time: only they are held, as texts only at last."""
    texts = [column.name for column in schema if column.type == pa.string()]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        groups = (file.read_row_group(n, schema.names) for n in range(file.num_row_groups))
        found = [group.filter(pc.field("metric") == metric).cast(schema) for group in groups]
    return pa.concat_tables([schema.empty_table(), *found])
