"""Merging: the parts of a ground-truth run become one table, beside what it holds of others."""

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
from xai_core.evaluation.tables import COLUMNS, ROW_KEY, load_curves, load_scores
from xai_core.ground_truth.benchmarks.shortcut_contrast import contrast
from xai_core.ground_truth.recovering import STICKERS, merged_before, records

PARTS = "parts"
"""Folder of the parts in a run folder."""


def merge(run_dir: Path) -> None:
    """Put the scores of all parts into one run folder at `run_dir`, contrasts worked out.

    What that folder holds already and no part has, stays: a run is passed on without its parts.
    """
    folders = sorted(path.parent for path in (run_dir / PARTS).glob("*/manifest.json"))
    if not folders:
        return
    manifests = {folder.name: load_manifest(folder) for folder in folders}
    tables = {folder.name: load_scores(folder) for folder in folders}
    stickers = [name for name in tables if name.startswith(STICKERS)]
    rows = [table for name, table in tables.items() if name not in stickers]
    curves: list[dict[str, Any]] = []
    if len(stickers) == 2:
        # the model that learned the sticker comes first
        ordered = sorted(stickers, key=lambda name: "control" in name)
        scores, curves = _contrasted(*(tables[name] for name in ordered))
        rows.append(scores)
    before = merged_before(run_dir)
    if before is not None:
        rows.append(load_scores(run_dir))
        curves += _curves_of(run_dir)
    merged = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)
    merged = merged.drop_duplicates(["dataset", "image", "method_key", "metric_key"])
    curves = _newest(curves, merged)
    for name in ("scores", "curves", "maps"):
        shutil.rmtree(run_dir / name, ignore_errors=True)
    for name in (JOURNAL, "images.jsonl"):
        (run_dir / name).unlink(missing_ok=True)
    store = Store(run_dir)
    store.write_manifest(_merged_manifest(manifests, before, merged))
    for key, group in merged.groupby("method_key", sort=False):
        mine = [row for row in curves if row["method_key"] == key]
        store.write_scores("all", str(key), sorted(set(group["metric_key"])), records(group), mine)
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


def _curves_of(run_dir: Path) -> list[dict[str, Any]]:
    """The curves of the run's table, a row each."""
    keys = [*ROW_KEY, "curve"]
    return [
        {
            **dict(zip(keys, key, strict=True)),
            "fraction": points["fraction"].to_numpy(),
            "value": points["value"].to_numpy(),
        }
        for key, points in load_curves(run_dir).groupby(keys, sort=False)
    ]


def _newest(curves: list[dict[str, Any]], scores: pd.DataFrame) -> list[dict[str, Any]]:
    """The first of each curve that belongs to a score."""
    known = set(scores[ROW_KEY].itertuples(index=False, name=None))
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in curves:
        key = tuple(str(row[name]) for name in ROW_KEY)
        if key in known:
            found.setdefault((*key, row["curve"]), row)
    return list(found.values())


def _merged_manifest(
    manifests: dict[str, Manifest], before: Manifest | None, scores: pd.DataFrame
) -> Manifest:
    first = manifests.get("scenes") or before or next(iter(manifests.values()))
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
    if before is not None:
        used = set(scores["image_sha256"])
        kept = {i["sha256"]: i for i in before.images if i["sha256"] in used}
        images = {**kept, **images}
        for name, part in before.others.get("parts", {}).items():
            of_part = sum(image.get("part") == name for image in images.values())
            now = parts.get(name, part)  # an image of two parts is listed under one of them
            parts[name] = {**now, "images": max(of_part, now["images"], part["images"])}
    found = [*([before] if before is not None else []), *manifests.values()]
    methods = set(scores["method_key"])
    return replace(
        first,
        dataset="orchard ground truth",
        methods={k: v for m in found for k, v in m.methods.items() if k in methods},
        metrics={k: v for m in found for k, v in m.metrics.items()},
        images=list(images.values()),
        bad_images={},
        others={**first.others, "parts": parts},
    )
