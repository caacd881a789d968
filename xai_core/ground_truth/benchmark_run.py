"""Ground truth: all benchmarks on their images, in one run folder that result pages read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from xai_core.evaluation.dataset import Dataset, load_orchard_dataset
from xai_core.evaluation.plan import MEMORY_MB, units_of
from xai_core.evaluation.run import run_evaluation
from xai_core.evaluation.run_folder import RunFolderError
from xai_core.evaluation.shards import FOLDER, Shard, merge_shards
from xai_core.evaluation.status import Progress
from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.ground_truth.benchmarks.base import Benchmark, Images
from xai_core.ground_truth.degradation import checked_metrics
from xai_core.ground_truth.facts import add_facts, in_domain, redrawing, sticker_checks
from xai_core.ground_truth.merging import PARTS, merge
from xai_core.ground_truth.oracle import Oracle
from xai_core.ground_truth.picture_sets import (
    drawn_anew,
    mosaics_dataset,
    pairs_dataset,
    shot_of,
    stickered_dataset,
    tables_dataset,
    twice_as_large,
    varieties_dataset,
)
from xai_core.ground_truth.recovering import check_settings, recover
from xai_core.ground_truth.scene_book import write_scene_book
from xai_core.methods.base import Method
from xai_core.metrics import METRICS, Metric
from xai_core.models.batch import Batch, Precision
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier
from xai_core.models.torchvision_networks import BadClassifier
from xai_core.orchard.dataset import OrchardSplit, load_orchard
from xai_core.orchard.redrawing import draw_ahead
from xai_core.orchard.scene import VARIETIES
from xai_core.orchard.shortcut import NETWORKS, stickered_pictures
from xai_core.orchard.shot import Shot

LOCALISATION = "localisation"
DEGRADATION = "degradation"
CHOICES = (*BENCHMARKS, LOCALISATION, DEGRADATION)
"""What can be asked for: every benchmark, the localisation metrics on the exact masks, and the
check that metrics notice when a good map gets worse."""
SCENES = ("single", "table")
"""What the benchmarks on parts are asked on: one fruit in the image, or several small ones."""
TABLES = 60
VARIETY_SCENES = 240
BOOK_PAGES = 12
MOSAICS = 48
Show = Callable[[str, float, float | None], None]
"""Called with what is being done, the fraction done and the seconds left, if known."""


@dataclass(frozen=True)
class Part:
    """One image set, one model: a run of its own in `RUN/parts/NAME`."""

    name: str
    classifier: Classifier
    dataset: Dataset
    metrics: tuple[Metric, ...]

    def shots(self, shard: Shard | None = None) -> list[Shot]:
        """What the benchmarks want to have drawn before a shard is scored, each once."""
        benchmarks = [m for m in self.metrics if isinstance(m, Benchmark) and m.needs_shots]
        units = units_of(self.dataset, None, shard) if benchmarks else ()
        own = [shot_of(item) for unit in units for item in unit.items]
        return list(
            dict.fromkeys(s for shot in own for metric in benchmarks for s in metric.shots(shot))
        )


@dataclass(frozen=True)
class GroundTruth:
    """What to run: benchmarks (of CHOICES) for one model, and the two with stickers.

    `limit` is the largest number of images of each set; None takes all (60 tables, 240
    varieties). Images are drawn again with `workers` processes. Benchmarks on parts take `kind` of
    SCENES.
    """

    classifier: Classifier
    benchmarks: tuple[str, ...] = CHOICES
    limit: int | None = None
    networks: tuple[str, ...] = NETWORKS
    split: OrchardSplit = field(default_factory=load_orchard)
    workers: int = 1
    kind: str = "single"

    def __post_init__(self) -> None:
        for name in self.benchmarks:
            if name not in CHOICES:
                raise ValueError(f"unknown benchmark {name!r}; known: {', '.join(CHOICES)}")

    def parts(self, run_dir: Path) -> list[Part]:
        """The parts with at least one chosen benchmark; their images are written."""
        parts = []
        for images, build in BUILDERS.items():
            chosen = [BENCHMARKS[name] for name in self.benchmarks if name in BENCHMARKS]
            metrics: list[Metric] = []
            for benchmark in chosen:
                metrics += [b for b in benchmark.variants() if b.asked_on == images]
            if images == "scenes" and LOCALISATION in self.benchmarks:
                metrics += [cls() for cls in METRICS.values() if cls.kind == "localisation"]
            if metrics:
                parts += build(self, run_dir, tuple(metrics))
        return parts

    def missing(self) -> list[str]:
        """What cannot be run for want of a trained model, one sentence each."""
        asked = [BENCHMARKS[name] for name in self.benchmarks if name in BENCHMARKS]
        lacking = [b.name for b in asked if any(v.asked_on == "varieties" for v in b.variants())]
        if not lacking or set(VARIETIES) <= set(self.classifier.categories):
            return self.missing_networks()
        knows = f"{self.classifier.name} knows no varieties"
        return [f"{', '.join(lacking)} on varieties: {knows}", *self.missing_networks()]

    def missing_networks(self) -> list[str]:
        """The models with stickers that are needed and not there, one sentence each."""
        found = []
        asked = [name for name in self.benchmarks if name in BENCHMARKS]
        of_stickers = [name for name in asked if BENCHMARKS[name].images == "stickers"]
        for name in self.networks if of_stickers else ():
            try:
                load_classifier(name, device=str(self.classifier.device))
            except BadClassifier:
                command = f"campare train --dataset {name}"
                found.append(f"{of_stickers[0]}: the model {name} is missing: run {command}")
        return found

    def scenes(self, run_dir: Path) -> Dataset:
        """The scenes of the chosen kind, drawn again into the run's folder."""
        if self.kind == "table":
            return self.drawn("scenes", self.tables(), run_dir)
        stored = load_orchard_dataset(self.classifier.categories, self.split)
        return self.drawn("scenes", stored, run_dir)

    def tables(self) -> Dataset:
        """Scenes with several small fruits, drawn from their seeds."""
        count = TABLES if self.limit is None else self.limit
        return tables_dataset(self.classifier.categories, count, self.split.side)

    def drawn(self, name: str, dataset: Dataset, run_dir: Path) -> Dataset:
        """The first `limit` of the scenes, drawn again into the run's folder."""
        limited = replace(dataset, items=dataset.items[: self.limit])
        return drawn_anew(limited, run_dir / PARTS / name / "pictures", self.workers)


def run_ground_truth(
    run_dir: str | Path,
    plan: GroundTruth,
    methods: Sequence[Method],
    *,
    memory: float = MEMORY_MB,
    precision: Precision = "fp32",
    shard: Shard | None = None,
    show: Show | None = None,
) -> list[str]:
    """Scores of the methods and the oracle by the chosen benchmarks; gives what was left out.

    Every part is a run that continues where it was stopped; `run_dir` itself holds all parts'
    scores in one table, from which a part whose folder is gone goes on. Of a `shard` each part's
    scores are all that is made, until `merge_part_shards` and a call without one. Raises what
    `run_evaluation` raises.
    """
    root, show = Path(run_dir), show or _silent
    with_oracle = [*methods, Oracle()]
    notes, parts = plan.missing(), plan.parts(root)
    for part in parts:
        check_settings(root, part.name, part.classifier.fingerprint, precision)
    for part in parts:
        wanted = part.shots(shard)
        if wanted:
            title = f"drawing {part.name}"
            draw_ahead(wanted, plan.workers, lambda d, n, t=title: show(t, d / n, None))  # type: ignore[misc]
        folder = root / PARTS / part.name
        if shard is None:
            recover(root, part.name, folder, part.dataset)

        def step(progress: Progress, name: str = part.name) -> None:
            show(f"{name}: {progress.message}", progress.fraction, progress.seconds_left)

        report = run_evaluation(
            folder, part.classifier, part.dataset, with_oracle, part.metrics,
            memory=memory, precision=precision, shard=shard, progress=step,
        )  # fmt: skip
        notes += [f"{part.name}: {reason}" for reason in report.skipped.values()]
        if report.cancelled:
            notes.append(f"{part.name}: stopped on request; run it again to continue")
            break
        if part.name == "scenes" and wanted and not shard:
            _describe_scenes(root, part)
    if shard:
        return list(dict.fromkeys(notes))
    if DEGRADATION in plan.benchmarks:
        show(f"{DEGRADATION}: heatmaps degraded in steps", 0.01, None)
        scenes = plan.scenes(root).items
        add_facts(root, declines=checked_metrics(plan.classifier, scenes, memory))
    add_facts(root, stickers=sticker_checks(plan.networks))
    merge(root)
    return list(dict.fromkeys(notes))


def merge_part_shards(run_dir: str | Path) -> int:
    """Put what all shards have finished into their parts; gives the number of parts.

    Raises RunFolderError where a shard is missing or unfinished, or where there are none.
    """
    folders = sorted(path.parent for path in (Path(run_dir) / PARTS).glob(f"*/{FOLDER}"))
    if not folders:
        raise RunFolderError(f"{run_dir}: has no shards; compute all of one division first")
    for folder in folders:
        merge_shards(folder)
    return len(folders)


def _describe_scenes(root: Path, part: Part) -> None:
    """Facts and the scene book from the images of the part, which are all drawn by now."""
    items = part.dataset.items
    shots = [shot_of(item) for item in items]
    logits = torch.cat(
        [
            Batch.of(part.classifier, [item.open() for item in items[i : i + 16]]).logits.cpu()
            for i in range(0, len(items), 16)
        ]
    )
    add_facts(
        root,
        in_domain=in_domain(part.classifier, shots),
        redrawing=redrawing(part.classifier, shots, logits),
    )
    chosen = items[:BOOK_PAGES]  # one of each class, in all levels
    write_scene_book(root, part.classifier, chosen, root / PARTS / part.name)


def _scenes(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    return [Part("scenes", plan.classifier, plan.scenes(run_dir), metrics)]


def _varieties(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    count = VARIETY_SCENES if plan.limit is None else plan.limit
    stored = varieties_dataset(plan.classifier.categories, count, plan.split.side)
    if not stored.items:
        return []
    return [Part("varieties", plan.classifier, plan.drawn("varieties", stored, run_dir), metrics)]


def _pairs(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    stored = pairs_dataset(plan.split, plan.classifier.categories)
    return [Part("pairs", plan.classifier, plan.drawn("pairs", stored, run_dir), metrics)]


def _tables(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    return [Part("tables", plan.classifier, plan.drawn("tables", plan.tables(), run_dir), metrics)]


def _mosaics(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    count = MOSAICS if plan.limit is None else min(MOSAICS, plan.limit)
    folder = run_dir / PARTS / "mosaics" / "pictures"
    dataset = mosaics_dataset(plan.split, plan.classifier, folder, count)
    return [Part("mosaics", twice_as_large(plan.classifier), dataset, metrics)]


def _stickers(plan: GroundTruth, run_dir: Path, metrics: tuple[Metric, ...]) -> list[Part]:
    if plan.missing_networks():
        return []
    pictures = stickered_pictures(plan.split, plan.limit)
    draw_ahead([picture.own for picture in pictures], plan.workers)
    parts = []
    for name in plan.networks:
        network = load_classifier(name, device=str(plan.classifier.device))
        dataset = stickered_dataset(pictures, network.categories, run_dir / PARTS / "stickers")
        parts.append(Part(f"stickers-{Path(name).stem}", network, dataset, metrics))
    return parts


BUILDERS: dict[Images, Callable[[GroundTruth, Path, tuple[Metric, ...]], list[Part]]] = {
    "scenes": _scenes,
    "varieties": _varieties,
    "pairs": _pairs,
    "tables": _tables,
    "mosaics": _mosaics,
    "stickers": _stickers,
}
"""How each set of images is made, with what is scored on it."""


def _silent(message: str, fraction: float, seconds_left: float | None) -> None:
    """Nobody watches."""
