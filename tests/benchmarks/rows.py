"""Time and memory of a large run's first view and of its compaction, on synthetic rows.

    python tests/benchmarks/rows.py --images 50000 --methods 20 --metrics 10

A run of that shape with random scores is written, a file for each method. Each step is a process
of its own: "CPU" is its time without imports, "peak" the most memory that it held.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xai_core import DATA
from xai_core.evaluation.journal import Piece
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import COLUMNS, SCHEMA, load_scores
from xai_core.findings import results
from xai_core.findings.kept_standings import keep_standings, kept_standings

LIKE = DATA / "runs" / "ground_truth"
UNIT = 8
PEAK_STEP = {"Linux": 1024}.get(os.uname().sysname, 1)
"""Bytes of one step of ru_maxrss."""


def write_run(folder: Path, images: int, methods: int, metrics: int) -> None:
    """A run of random scores, a part for each method."""
    store, manifest = Store(folder), load_manifest(LIKE)
    shas = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(images)]
    manifest.methods = dict(list(manifest.methods.items())[:methods])
    ranked = [item for item in manifest.metrics.items() if item[1]["higher_is_better"] is not None]
    manifest.metrics = dict(ranked[:metrics])
    manifest.asked, manifest.bad_images = images, {}
    like = {"path": "", "level": None, "probability": 0.9, "correct": True, "mask_fraction": 0.1}
    manifest.images = [
        {"image": f"{i:06d}.jpg", "sha256": sha, "label": i % 10, "predicted": i % 10, **like}
        for i, sha in enumerate(shas)
    ]
    store.write_manifest(manifest)
    units = [hashlib.sha256(sha.encode()).hexdigest()[:12] for sha in shas[::UNIT]]
    pieces = [_part(folder, number, manifest, shas, units) for number in range(methods)]
    (folder / "parts.jsonl").write_text("".join(piece.line() for piece in pieces))


def _part(folder: Path, number: int, manifest: Any, shas: list[str], units: list[str]) -> Piece:
    key, method = list(manifest.methods.items())[number]
    random, rows = np.random.default_rng(number), len(shas) * len(manifest.metrics)
    image = np.repeat(np.arange(len(shas)), len(manifest.metrics))
    metric = np.tile(np.arange(len(manifest.metrics)), len(shas))
    specs = [entry["spec"] for entry in manifest.metrics.values()]
    known: dict[str, Any] = {
        "dataset": "synthetic", "classifier": "synthetic", "classifier_fingerprint": "f" * 16,
        "image": _taken([f"{i:06d}.jpg" for i in range(len(shas))], image),
        "image_sha256": _taken(shas, image), "label": pa.array(image % 10, pa.int32()),
        "predicted": pa.array(image % 10, pa.int32()), "target": pa.array(image % 10, pa.int32()),
        "method": method["spec"], "method_key": key, "metric": _taken(specs, metric),
        "metric_key": _taken(list(manifest.metrics), metric), "reason": "",
        "score": random.normal(number / 50, 0.2, rows), "precision": "fp32",
        "removed_fraction": 1.0, "attribute_seconds": 0.1, "score_seconds": 0.2,
    }  # fmt: skip
    columns = [_column(known.get(name), rows, SCHEMA.field(name).type) for name in COLUMNS]
    path = folder / "scores" / f"{number}.parquet"
    pq.write_table(pa.table(columns, SCHEMA), path, compression="zstd")
    done = tuple((unit, key, tuple(manifest.metrics)) for unit in units)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return Piece(done, {f"scores/{path.name}": checksum})


def _taken(texts: Sequence[str], codes: np.ndarray) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(codes))


def _column(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    if isinstance(value, (pa.Array, np.ndarray)):
        return pa.array(value, kind) if isinstance(value, np.ndarray) else value
    return pa.repeat(pa.scalar(value, kind), rows)


def keep(run_dir: Path) -> None:
    """At the end of `evaluate`."""
    keep_standings(run_dir)


def view(run_dir: Path) -> None:
    """What the leaderboard asks for before anything is chosen."""
    manifest = load_manifest(run_dir).as_dict()
    found = kept_standings(run_dir)
    if found is None:
        raise SystemExit("no standings were kept")
    results.metric_rows(found.board, manifest, results.metrics_of(manifest)[0])
    results.mean_table(found.board, manifest)


def compact(run_dir: Path) -> None:
    if problems := Store(run_dir).compact():
        raise SystemExit(problems[0])


STEPS: dict[str, Callable[[Path], object]] = {
    "load": load_scores,
    "compact": compact,
    "load again": load_scores,
    "keep": keep,
    "view": view,
}


def timed(run_dir: Path, step: str) -> None:
    start, clock = time.process_time(), time.perf_counter()
    STEPS[step](run_dir)
    spent = {"cpu": time.process_time() - start, "clock": time.perf_counter() - clock}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_STEP
    print(json.dumps({**spent, "peak": peak / 1e6}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--methods", type=int, default=20)
    parser.add_argument("--metrics", type=int, default=10)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        return timed(Path(chosen.step[0]), chosen.step[1])
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder), chosen.images, chosen.methods, chosen.metrics)
        rows = chosen.images * chosen.methods * chosen.metrics
        print(f"{rows:,} rows; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
        print(f"{'step':12}{'CPU s':>8}{'clock s':>9}{'peak MB':>9}", flush=True)
        for step in STEPS:
            words = [sys.executable, __file__, "--step", folder, step]
            told = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
            line = f"{told['cpu']:8.1f}{told['clock']:9.1f}{told['peak']:9.0f}"
            print(f"{step:12}{line}", flush=True)


if __name__ == "__main__":
    main()
