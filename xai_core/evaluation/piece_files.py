"""Piece files: what a finished piece adds to a run folder, as bytes, made where it is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from safetensors.numpy import save

from xai_core.evaluation.tables import SCHEMA, as_parquet, curve_table

Note = dict[str, Any]
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class PieceFiles:
    """`done` as in the journal's Piece, and the files by their names in the run folder."""

    done: tuple[tuple[str, str, tuple[str, ...]], ...]
    contents: dict[str, bytes]
    kind: str


@dataclass(frozen=True)
class Scored:
    """What some metrics say of one method on a unit."""

    method_key: str
    metric_keys: Sequence[str]
    rows: Rows
    curves: Rows


def score_files(unit: str, scored: Sequence[Scored]) -> PieceFiles:
    """The scores of some methods on one unit, and their curves, in one file of each."""
    done = tuple((unit, one.method_key, tuple(one.metric_keys)) for one in scored)
    name = "/".join((unit, *(text for _, method, metrics in done for text in (method, *metrics))))
    tag = hashlib.sha256(name.encode()).hexdigest()[:16]
    rows = [row for one in scored for row in one.rows]
    contents = {f"scores/{tag}.parquet": as_parquet(pa.Table.from_pylist(rows, SCHEMA))}
    if curves := [row for one in scored for row in one.curves]:
        contents[f"curves/{tag}.parquet"] = as_parquet(curve_table(curves))
    return PieceFiles(done, contents, "scores")


def map_files(
    unit: str, method_key: str, which: str, maps: npt.NDArray[np.float16], note: Note
) -> PieceFiles:
    """The maps (N, H, W) of one method on one unit; `note` is stored beside them."""
    content = save({"maps": maps}, {"note": json.dumps(note)})
    name = f"maps/{unit}-{method_key}-{which}.safetensors"
    return PieceFiles(((unit, method_key, (f"maps:{which}",)),), {name: content}, "maps")
