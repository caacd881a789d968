"""`train`: fine-tune a model on a folder of images, or train Orchard's own models."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xai_core.command_line._choices import add_arguments, arguments_of
from xai_core.command_line._paths import here
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._starting import checked_architecture, fitted, form_for, start
from xai_core.evaluation.allocator import keep_blocks
from xai_core.images.reading import InputFormat
from xai_core.models.loading import load_classifier
from xai_core.models.sources import python
from xai_core.models.sources.embedded import card_of
from xai_core.places import CACHE, DATA, IS_INSTALLED
from xai_core.titles import percent
from xai_core.training.accuracy import validation_accuracy
from xai_core.training.curriculum import RenderedScenes, orchard_phases
from xai_core.training.curve import write_training_curve
from xai_core.training.examples import split_folder
from xai_core.training.trainer import (
    Phase,
    TrainingData,
    TrainingPlan,
    is_right,
    run_training,
    save_network,
    write_card,
)

DATASETS = ("orchard", "orchard_mixed", "orchard_shortcut", "orchard_control")
STICKERED = DATASETS[2:]
_TRAINED = {
    "weights": "none", "coarse_epochs": 6, "epochs": 9, "scenes": 8000,
    "finish_scenes": 2400, "finish_epochs": 2,
}  # fmt: skip
_FINE_TUNED = {
    "weights": "orchard", "coarse_epochs": 0, "epochs": 10, "scenes": 1600,
    "finish_scenes": 1600, "finish_epochs": 2,
}  # fmt: skip


@dataclass(frozen=True)
class _Task:
    """What is trained on what."""

    network: nn.Module
    arguments: dict[str, Any]
    categories: tuple[str, ...]
    form: InputFormat
    phases: list[Phase]
    validation: TrainingData


def add(commands: Any) -> None:
    parser = commands.add_parser("train", help="train or fine-tune a model", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=here, help="folder with one folder of images per class")
    source.add_argument(
        "--dataset", choices=DATASETS,
        help="scenes drawn for training: one fruit; also pairs, tables and varieties (mixed); with "
        "stickers that tell the class or do not",
    )  # fmt: skip
    parser.add_argument(
        "--architecture", default="resnet50",
        help="a torchvision model, timm:NAME, or file.py:function, whose code is run",
    )  # fmt: skip
    parser.add_argument(
        "--weights",
        help="to start from: none, torchvision's name (IMAGENET1K_V2), pretrained (timm's), an "
        "embedded model, a folder written by train or a checkpoint",
    )  # fmt: skip
    parser.add_argument("--epochs", type=int, help="9 unless given; with --dataset: at 128 px")
    parser.add_argument("--freeze-until", default="", help="first part that is trained: layer4")
    parser.add_argument(
        "--size", type=int, help="input size in pixels (with --data); 224, or timm's own"
    )
    add_arguments(parser)
    parser.add_argument(
        "--validation", type=float, default=0.2, metavar="SHARE",
        help="share of the images set aside where the folder has no validation part",
    )  # fmt: skip
    parser.add_argument("--out", type=here, help="folder of the result")
    parser.add_argument("--name", help="file name of the result")
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SETTING=VALUE",
        help="change one setting: " + ", ".join(TrainingPlan.declared()),
    )  # fmt: skip
    orchard = parser.add_argument_group("with --dataset")
    orchard.add_argument("--width-per-group", type=int, default=16, help="of a ResNet")
    orchard.add_argument("--coarse-epochs", type=int, help="epochs at 96 px")
    orchard.add_argument("--scenes", type=int, help="scenes at 128 px")
    orchard.add_argument("--finish-scenes", type=int, help="scenes at 224 px")
    orchard.add_argument("--finish-epochs", type=int, help="further epochs at 224 px")
    orchard.add_argument("--workers", type=int, default=2, help="processes that draw scenes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    keep_blocks()
    options.architecture = checked_architecture(options.architecture)
    if options.threads:
        torch.set_num_threads(options.threads)
    for setting, value in (_FINE_TUNED if options.dataset in DATASETS[1:] else _TRAINED).items():
        if getattr(options, setting) is None:
            setattr(options, setting, value)
    settings = dict(text.partition("=")[::2] for text in options.set)
    if options.freeze_until:
        settings["freeze_until"] = options.freeze_until
    plan = TrainingPlan.from_text(**settings)
    out = options.out or (Path("trained") if options.data or IS_INSTALLED else DATA / "models")
    name = options.name or options.dataset or options.data.resolve().name
    if Path(name).name != name:
        raise ValueError(f"--name must be a file name without folders, got {name!r}")
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{name}.tmp"
        probe.touch()
        probe.unlink()
    task = _orchard(options, plan) if options.dataset else _folder(options, plan)
    line = ProgressLine("training")
    with _writing(out):
        history = run_training(
            task.network, task.phases, task.validation, plan, task.form, out, name, line.show
        )
        card = _card(options, plan, task, history, name)
        path = save_network(task.network, card, out, name)
        write_training_curve(history, out / f"{name}.curve.png", name)
    if options.dataset in STICKERED:
        _check_stickers(path.with_suffix(".json"), options.workers)
    print(f"best validation accuracy {percent(max(row['accuracy'] for row in history), 1)}")
    name = f"{options.architecture}@{out}" if python.claims(options.architecture) else str(out)
    print(f"wrote {path} ({path.stat().st_size / 2**20:.1f} MB); load it with --classifier {name}")
    return 0


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"--out {out}: cannot be written ({error.strerror or error}); every finished epoch is "
            "kept: free the folder or choose another one"
        ) from None


def _card(
    options: argparse.Namespace,
    plan: TrainingPlan,
    task: _Task,
    history: list[dict[str, float]],
    name: str,
) -> dict[str, Any]:
    """The model card: what the model is, what it is fed, and how it was trained."""
    form = task.form
    return {
        "title": name.replace("_", " ").capitalize(),
        "architecture": options.architecture,
        "arguments": task.arguments,
        "categories": list(task.categories),
        **({"kind": "drawn fruits"} if options.dataset else {}),
        "outputs": "softmax",  # what training optimises: one class of several
        "form": {"size": form.size, "resize": form.resize, "mean": form.mean, "std": form.std},
        "training": {
            "command": "campare " + shlex.join(sys.argv[1:]),
            "settings": plan.settings(),
            "log": history,
            "before": _earlier(options.weights),
            **_checked(plan, task),
        },
    }


def _checked(plan: TrainingPlan, task: _Task) -> dict[str, Any]:
    """Of drawn scenes, how often the kept weights are right by kind, class and level."""
    if not isinstance(task.validation, RenderedScenes):
        return {}
    right = is_right(task.network, task.validation, task.form, plan)
    found = validation_accuracy(right, task.validation.pool)
    for kind, counts in found["by_kind"].items():
        print(f"validation, {kind}: {percent(counts['accuracy'], 1)} of {counts['n']}")
    return {"validation": found}


def _earlier(weights: str) -> list[dict[str, Any]]:
    """How the weights that training started from were trained, in order."""
    card = card_of(weights)
    if card is None:
        return []
    last = dict(json.loads(card.read_text(encoding="utf-8")).get("training", {}))
    return [*last.pop("before", []), last]


def _folder(options: argparse.Namespace, plan: TrainingPlan) -> _Task:
    if options.epochs < 1:
        raise ValueError(f"--epochs must be at least 1, got {options.epochs}")
    if not 0 < options.validation < 1:
        raise ValueError(f"--validation must lie between 0 and 1, got {options.validation:g}")
    form = form_for(options.architecture, options.size)
    training, validation, categories, broken = split_folder(
        options.data, form.size, options.validation, plan.seed
    )
    for sentence in broken:
        print(f"skipped: {sentence}", file=sys.stderr)
    network, arguments = start(options, plan.seed, categories, arguments_of(options))
    network = fitted(network, options, form.size, len(categories))
    phases = [Phase(training, form.size, options.epochs)]
    return _Task(network, arguments, categories, form, phases, validation)


def _orchard(options: argparse.Namespace, plan: TrainingPlan) -> _Task:
    from xai_core.orchard.scene import CLASSES, FRUITS

    line = ProgressLine("drawing scenes")
    phases, validation = orchard_phases(
        CACHE / "orchard", options.scenes, options.coarse_epochs, options.epochs,
        options.finish_scenes, options.finish_epochs, plan.seed, options.workers,
        lambda done, count: line.show("scenes", done / count), options.dataset,
    )  # fmt: skip
    if not phases:
        raise ValueError("--epochs and --finish-epochs are both 0: there is nothing to train")
    form = InputFormat(size=phases[-1].size, resize=phases[-1].size)
    wanted = {"width_per_group": options.width_per_group, **arguments_of(options)}
    classes = FRUITS if options.dataset == "orchard" else CLASSES
    network, arguments = start(options, plan.seed, classes, wanted)
    return _Task(network, arguments, classes, form, phases, validation)


def _check_stickers(card: Path, workers: int) -> None:
    """What swapping stickers does to the accuracy, printed and put into the model card."""
    from xai_core.orchard import load_orchard
    from xai_core.orchard.shortcut import sticker_check, stickered_pictures

    line = ProgressLine("drawing stickers")
    found = sticker_check(
        load_classifier(card), stickered_pictures(load_orchard()),
        lambda done, count: line.show("scenes", done / count), workers,
    )  # fmt: skip
    content = json.loads(card.read_text(encoding="utf-8"))
    write_card(card, {**content, "sticker_check": found})
    print(
        f"with the class's own sticker {percent(found['own'], 1)} right, with another class's "
        f"{percent(found['swapped'], 1)}, without {percent(found['plain'], 1)}"
    )
