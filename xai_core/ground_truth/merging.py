"""Merging: the parts of a ground-truth run become one run folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from xai_core.evaluation.journal import JOURNAL
from xai_core.evaluation.manifest import Manifest
from xai_core.evaluation.run_folder import load_manifest
from xai_core.evaluation.store import Store
from xai_core.evaluation.tables import COLUMNS, load_scores
from xai_core.ground_truth.benchmarks.shortcut_contrast import contrast

PARTS = "parts"
"""Folder of the parts in a run folder."""


def merge(run_dir: Path) -> None:
    """Put the scores of all parts into one run folder at `run_dir`, contrasts worked out."""
    folders = sorted(path.parent for path in (run_dir / PARTS).glob("*/manifest.json"))
    if not folders:
        return
    manifests = {folder.name: load_manifest(folder) for folder in folders}
    tables = {folder.name: load_scores(folder) for folder in folders}
    stickers = [name for name in tables if name.startswith("stickers-")]
    rows = [table for name, table in tables.items() if name not in stickers]
    curves: list[dict[str, Any]] = []
    if len(stickers) == 2:
        # the model that learned the sticker comes first
        ordered = sorted(stickers, key=lambda name: "control" in name)
        scores, curves = _contrasted(*(tables[name] for name in ordered))
        rows.append(scores)
    merged = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)
    for name in ("scores", "curves", "maps"):
        shutil.rmtree(run_dir / name, ignore_errors=True)
    for name in (JOURNAL, "images.jsonl"):
        (run_dir / name).unlink(missing_ok=True)
    store = Store(run_dir)
    store.write_manifest(_merged_manifest(manifests, set(merged["method_key"])))
    for key, group in merged.groupby("method_key", sort=False):
        records = [
            {str(name): None if value is pd.NA else value for name, value in row.items()}
            for row in group[list(COLUMNS)].to_dict("records")
        ]
        mine = [row for row in curves if row["method_key"] == key]
        store.write_scores("all", str(key), sorted(set(group["metric_key"])), records, mine)
    store.compact()


def _contrasted(
    shortcut: pd.DataFrame, control: pd.DataFrame
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Scores of the contrast per image, and both models' shares as curves of one point."""
    keys = ["image_sha256", "method_key", "metric_key"]
    both = shortcut.merge(control[[*keys, "score", "reason"]], on=keys, suffixes=("", "_control"))
    curves = [
        {
            **{key: row[key] for key in keys},
            "curve": name,
            "fraction": [0.0],
            "value": [row[column]],
        }
        for row in both.to_dict("records")
        for name, column in (("shortcut", "score"), ("control", "score_control"))
    ]
    parts = []
    for _, group in both.groupby("method_key", sort=False):
        shares = group["score"].to_numpy(), group["score_control"].to_numpy()
        reason = group["reason"].where(group["reason"] != "", group["reason_control"])
        parts.append(group.assign(score=contrast(*shares), reason=reason))
    whole = pd.concat(parts) if parts else both
    return whole[list(COLUMNS)], curves


def _merged_manifest(manifests: dict[str, Manifest], methods: set[str]) -> Manifest:
    first = manifests.get("scenes") or next(iter(manifests.values()))
    images = {
        image["sha256"]: {**image, "part": name}
        for name, manifest in manifests.items()
        for image in manifest.images
    }
    parts = {
        name: {
            "dataset": manifest.dataset,
            "classifier": manifest.classifier["name"],
            "fingerprint": manifest.classifier["fingerprint"],
            "images": len(manifest.images),
        }
        for name, manifest in manifests.items()
    }
    found = manifests.values()
    return replace(
        first,
        dataset="orchard ground truth",
        methods={k: v for m in found for k, v in m.methods.items() if k in methods},
        metrics={k: v for m in found for k, v in m.metrics.items()},
        images=list(images.values()),
        bad_images={},
        others={**first.others, "parts": parts},
    )
