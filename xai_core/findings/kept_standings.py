"""Kept standings: what a run's leaderboard shows of all images, computed when it ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xai_core.evaluation.journal import JOURNAL
from xai_core.evaluation.lead import Lead
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.statistics import Friedman
from xai_core.evaluation.summary import scores_by_method, summarise
from xai_core.evaluation.tables import ROW_KEY, load_scores
from xai_core.files import read_object, write_whole
from xai_core.findings import results
from xai_core.findings.results import Board

FILE = "standings.json"
REVISION = 1
"""Raised when what is computed here changes; standings of another revision are not used."""
COLUMNS = (*ROW_KEY, "method", "metric", "score", "attribute_seconds", "score_seconds")


@dataclass(frozen=True)
class Standings:
    """The board over all images, and Friedman's test and the lead of each metric."""

    board: Board
    of: dict[str, tuple[Friedman | None, Lead | None]]


def standings_of(
    scores_of: Callable[[str], pd.DataFrame], manifest: Mapping[str, Any]
) -> Standings:
    """From the scores of each metric, which are asked for one after the other."""
    described = dict(manifest)
    tables, summaries = {}, []
    for metric in dict.fromkeys(results.metrics_of(described)):
        scores = scores_of(metric)
        tables[metric] = scores_by_method(scores, metric)
        summaries.append(summarise(scores))
    summaries = [one for one in summaries if len(one)] or summaries[
        :1
    ]  # empty columns have no type
    keys = ["method_key", "metric_key"]
    summary = pd.concat(summaries).sort_values(keys, kind="stable", ignore_index=True)
    board = results.board_of(tables, summary, described)
    of = {}
    for metric, table in tables.items():
        by_method = results.compared_in(table, described, metric, board.same)
        higher = bool(results.is_higher_better(metric, described))
        of[metric] = results.standing(by_method, higher, results.nulls_of(described))
    return Standings(board, of)


def keep_standings(run_dir: Path) -> None:
    """Writes them beside the tables of a run; raises RunFolderError or OSError."""
    if kept_standings(run_dir):
        return
    told = _told(run_dir)
    found = standings_of(partial(load_scores, run_dir, COLUMNS), load_manifest(run_dir))
    of = {metric: [_written(part) for part in pair] for metric, pair in found.of.items()}
    content = {"of_tables": told, "board": _written(found.board), "of": of}
    write_whole(run_dir / FILE, json.dumps(content))


def kept_standings(run_dir: Path) -> Standings | None:
    """Those of exactly these tables; None where there are none, or none that can be read."""
    try:
        content = read_object(run_dir / FILE)
        if content["of_tables"] != _told(run_dir):
            return None
        pairs = {
            str(metric): (_read(Friedman, test), _read(Lead, lead))
            for metric, (test, lead) in content["of"].items()
        }
        board = _read(Board, content["board"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Standings(board, pairs) if board else None


def _told(run_dir: Path) -> str:
    """What tells the run's settings and tables from all others."""
    found = hashlib.sha256(str(REVISION).encode())
    for name in ("manifest.json", JOURNAL):
        found.update((run_dir / name).read_bytes())
    return found.hexdigest()


def _written(value: Any) -> Any:
    """Of a frozen dataclass with tables: plain data that JSON holds exactly."""
    return None if value is None else {name: _plain(part) for name, part in vars(value).items()}


def _read(kind: type[Any], content: Any) -> Any:
    """The frozen dataclass that was written."""
    return None if content is None else kind(**{k: _object(part) for k, part in content.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Series):
        return {"index": _axis(value.index), "column": _column(value)}
    if isinstance(value, pd.DataFrame):
        columns = [_column(value[name]) for name in value]
        return {"index": _axis(value.index), "columns": columns}
    return value.item() if isinstance(value, np.generic) else value


def _object(content: Any) -> Any:
    if isinstance(content, list):
        return tuple(map(_object, content))
    if not isinstance(content, dict):
        return content
    index = _index(**content["index"])
    if "column" in content:
        return _series(content["column"], index)
    columns = {column["name"]: _series(column, index) for column in content["columns"]}
    return pd.DataFrame(columns, index=index)


def _column(column: pd.Series[Any]) -> dict[str, Any]:
    return {"name": column.name, "dtype": str(column.dtype), "values": column.tolist()}


def _series(column: Mapping[str, Any], index: pd.Index[Any]) -> pd.Series[Any]:
    return pd.Series(column["values"], index, column["dtype"], column["name"])


def _axis(index: pd.Index[Any]) -> dict[str, Any]:
    values = len(index) if isinstance(index, pd.RangeIndex) else index.tolist()
    return {"name": index.name, "dtype": str(index.dtype), "values": values}


def _index(name: str | None, dtype: str, values: Any) -> pd.Index[Any]:
    if isinstance(values, int):
        return pd.RangeIndex(values, name=name)
    found: pd.Index[Any] = pd.Index(values, dtype=dtype, name=name)
    return found
