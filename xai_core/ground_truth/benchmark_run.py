"""Ground truth: all benchmarks on their images, in one run folder that result pages read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from xai_core.evaluation.dataset import Dataset, load_orchard_dataset
from xai_core.evaluation.plan import MEMORY_MB
from xai_core.evaluation.run import run_evaluation
from xai_core.evaluation.status import Progress
from xai_core.ground_truth.benchmarks import BENCHMARKS
from xai_core.ground_truth.benchmarks._units import shots_for_units
from xai_core.ground_truth.benchmarks.distractibility import Distractibility, other_backgrounds
from xai_core.ground_truth.benchmarks.part_correlation import PartCorrelation
from xai_core.ground_truth.benchmarks.shortcut_contrast import ShortcutContrast
from xai_core.ground_truth.degradation import ON_SCENES, checked_metrics
from xai_core.ground_truth.facts import add_facts, in_domain, redrawing, sticker_checks
from xai_core.ground_truth.merging import PARTS, merge
from xai_core.ground_truth.oracle import Oracle
from xai_core.ground_truth.picture_sets import (
    drawn_anew,
    mosaics_dataset,
    pairs_dataset,
    shot_of,
    stickered_dataset,
    twice_as_large,
)
from xai_core.ground_truth.scene_book import write_scene_book
from xai_core.methods.base import Method
from xai_core.metrics import METRICS, Metric
from xai_core.models.batch import Batch, Precision
from xai_core.models.classifier import Classifier
from xai_core.models.loading import load_classifier
from xai_core.models.torchvision_networks import BadClassifier
from xai_core.orchard.dataset import OrchardSplit, load_orchard
from xai_core.orchard.interventions import without
from xai_core.orchard.redrawing import draw_ahead
from xai_core.orchard.shortcut import NETWORKS, stickered_pictures
from xai_core.orchard.shot import Shot

LOCALISATION = "localisation"
DEGRADATION = "degradation"
CHOICES = (*BENCHMARKS, LOCALISATION, DEGRADATION)
"""What can be asked for: every benchmark, the localisation metrics on the exact masks, and the
check that metrics notice when a good map gets worse."""
BOOK_PAGES = 12
Show = Callable[[str, float, float | None], None]
"""Called with what is being done, the fraction done and the seconds left, if known."""


@dataclass(frozen=True)
class Part:
    """One image set, one model: a run of its own in `RUN/parts/NAME`."""

    name: str
    classifier: Classifier
    dataset: Dataset
    metrics: tuple[Metric, ...]
    shots: Callable[[Shot], list[Shot]] | None = None
    """What is drawn for each image before anything is scored."""


@dataclass(frozen=True)
class GroundTruth:
    """What to run: benchmarks (of CHOICES) for one model, and the two with stickers.

    `limit` is the largest number of images of each set; None takes all. Images are drawn again
    with `workers` processes.
    """

    classifier: Classifier
    benchmarks: tuple[str, ...] = CHOICES
    limit: int | None = None
    networks: tuple[str, ...] = NETWORKS
    split: OrchardSplit = field(default_factory=load_orchard)
    workers: int = 1

    def __post_init__(self) -> None:
        for name in self.benchmarks:
            if name not in CHOICES:
                raise ValueError(f"unknown benchmark {name!r}; known: {', '.join(CHOICES)}")

    def parts(self, run_dir: Path) -> list[Part]:
        """The parts with at least one chosen benchmark; their images are written."""
        categories, parts = self.classifier.categories, []
        metrics = [BENCHMARKS[name]() for name in ON_SCENES if name in self.benchmarks]
        if "part_correlation" in self.benchmarks:
            metrics.insert(1, PartCorrelation(per_pixel=True))
        if "distractibility" in self.benchmarks:
            metrics.append(Distractibility(background=True))
        if LOCALISATION in self.benchmarks:
            metrics += [cls() for cls in METRICS.values() if cls.kind == "localisation"]
        if metrics:
            drawn = any(metric.needs_shots for metric in metrics)
            dataset = self.scenes(run_dir)
            shots = _shots_of_scenes if drawn else None
            parts.append(Part("scenes", self.classifier, dataset, tuple(metrics), shots))
        if "target_sensitivity" in self.benchmarks:
            pairs = self._drawn("pairs", pairs_dataset(self.split, categories), run_dir)
            parts.append(
                Part("pairs", self.classifier, pairs, (BENCHMARKS["target_sensitivity"](),),
                     _shots_of_pairs)
            )  # fmt: skip
        if "grid_pointing" in self.benchmarks:
            count = 48 if self.limit is None else min(48, self.limit)
            folder = run_dir / PARTS / "mosaics" / "pictures"
            dataset = mosaics_dataset(self.split, self.classifier, folder, count)
            large = twice_as_large(self.classifier)
            parts.append(Part("mosaics", large, dataset, (BENCHMARKS["grid_pointing"](),)))
        if "shortcut_contrast" in self.benchmarks and not self.missing():
            parts += self._sticker_parts(run_dir)
        return parts

    def missing(self) -> list[str]:
        """What cannot be run for want of a trained model, one sentence each."""
        found = []
        for name in self.networks if "shortcut_contrast" in self.benchmarks else ():
            try:
                load_classifier(name, device=str(self.classifier.device))
            except BadClassifier:
                command = f"campare train --dataset {name}"
                found.append(f"shortcut_contrast: the model {name} is missing: run {command}")
        return found

    def _sticker_parts(self, run_dir: Path) -> list[Part]:
        pictures = stickered_pictures(self.split, self.limit)
        draw_ahead([picture.own for picture in pictures], self.workers)
        parts = []
        for name in self.networks:
            network = load_classifier(name, device=str(self.classifier.device))
            folder = run_dir / PARTS / "stickers"
            dataset = stickered_dataset(pictures, network.categories, folder)
            metrics = (ShortcutContrast(),)
            parts.append(
                Part(f"stickers-{Path(name).stem}", network, dataset, metrics, shots_for_units)
            )
        return parts

    def scenes(self, run_dir: Path) -> Dataset:
        """The scenes with one fruit, drawn again into the run's folder."""
        stored = load_orchard_dataset(self.classifier.categories, self.split)
        return self._drawn("scenes", stored, run_dir)

    def _drawn(self, name: str, dataset: Dataset, run_dir: Path) -> Dataset:
        limited = replace(dataset, items=dataset.items[: self.limit])
        return drawn_anew(limited, run_dir / PARTS / name / "pictures", self.workers)


def run_ground_truth(
    run_dir: str | Path,
    plan: GroundTruth,
    methods: Sequence[Method],
    *,
    memory: float = MEMORY_MB,
    precision: Precision = "fp32",
    show: Show | None = None,
) -> list[str]:
    """Scores of the methods and the oracle by the chosen benchmarks; gives what was left out.

    Every part is a run that continues where it was stopped; `run_dir` itself holds all parts'
    scores in one table. Raises what `run_evaluation` raises.
    """
    root, show = Path(run_dir), show or _silent
    with_oracle = [*methods, Oracle()]
    notes = plan.missing()
    for part in plan.parts(root):
        if part.shots is not None:
            wanted = [shot for item in part.dataset.items for shot in part.shots(shot_of(item))]
            title = f"drawing {part.name}"
            draw_ahead(wanted, plan.workers, lambda d, n, t=title: show(t, d / n, None))  # type: ignore[misc]
        folder = root / PARTS / part.name

        def step(progress: Progress, name: str = part.name) -> None:
            show(f"{name}: {progress.message}", progress.fraction, progress.seconds_left)

        report = run_evaluation(
            folder, part.classifier, part.dataset, with_oracle, part.metrics,
            memory=memory, precision=precision, progress=step,
        )  # fmt: skip
        notes += [f"{part.name}: {reason}" for reason in report.skipped.values()]
        if report.cancelled:
            notes.append(f"{part.name}: stopped on request; run it again to continue")
            break
        if part.name == "scenes" and part.shots is not None:
            _describe_scenes(root, part)
    if DEGRADATION in plan.benchmarks:
        show(f"{DEGRADATION}: heatmaps degraded in steps", 0.01, None)
        scenes = plan.scenes(root).items
        add_facts(root, declines=checked_metrics(plan.classifier, scenes, memory))
    add_facts(root, stickers=sticker_checks(plan.networks))
    merge(root)
    return list(dict.fromkeys(notes))


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
    classes = len(part.classifier.categories)
    # items come class by class, level by level: another level for each class
    places = [c + classes * (c % 4) for c in range(classes)]
    order = dict.fromkeys([place for place in places if place < len(items)] + [*range(len(items))])
    chosen = [items[place] for place in list(order)[:BOOK_PAGES]]
    write_scene_book(root, part.classifier, chosen, root / PARTS / part.name)


def _shots_of_scenes(shot: Shot) -> list[Shot]:
    return [*shots_for_units(shot), *other_backgrounds(shot)]


def _shots_of_pairs(shot: Shot) -> list[Shot]:
    return [shot, *(shot.of(without(shot.scene, fruit.name)) for fruit in shot.scene.fruits)]


def _silent(message: str, fraction: float, seconds_left: float | None) -> None:
    """Nobody watches."""
