"""Options that several commands share: the classifier, the methods, the metrics."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from xai_core.command_line._paths import here
from xai_core.images.reading import FRAMINGS
from xai_core.methods import METHODS, Method
from xai_core.models.classifier import Classifier
from xai_core.models.devices import VARIABLE, default_device
from xai_core.models.loading import load_classifier
from xai_core.models.model_description import Description
from xai_core.models.outputs import OUTPUTS
from xai_core.recipe import Recipe


def add_classifier(parser: argparse.ArgumentParser, default: str = "orchard") -> None:
    """--classifier and what a checkpoint needs beside it."""
    parser.add_argument(
        "--classifier", default=default,
        help="embedded or torchvision name, folder written by train, checkpoint, timm:NAME, "
        "hf:FOLDER, file.py:function, TorchScript or ONNX file",
    )  # fmt: skip
    parser.add_argument("--architecture", default="", help="of a checkpoint, e.g. mobilenet_v2")
    parser.add_argument("--categories", type=here, help="text file with one class name per line")
    parser.add_argument("--size", type=int, nargs="+", default=[], metavar="PX",
                        help="the model's input: side, or height and width")  # fmt: skip
    parser.add_argument("--mean", type=float, nargs="+", default=[], help="of each channel, 0..1")
    parser.add_argument("--std", type=float, nargs="+", default=[], help="of each channel, 0..1")
    parser.add_argument("--resize", type=int, default=0, help="shorter side before the crop")
    parser.add_argument("--crop", type=int, default=0, help="side of the central crop")
    parser.add_argument(
        "--outputs", choices=OUTPUTS,
        help="one class (softmax), labels by themselves (sigmoid), or values (none)",
    )  # fmt: skip
    add_arguments(parser)
    parser.add_argument(
        "--allow-random", action="store_true", help="score models whose passes differ by chance"
    )
    parser.add_argument("--framing", choices=FRAMINGS, default="whole")
    parser.add_argument(
        "--device", default="",
        help=f"cpu, cuda, cuda:1; default: {VARIABLE} if it is set, else a GPU if there is one",
    )  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--argument name=value, for what a model is built with."""
    parser.add_argument(
        "--argument", action="append", default=[], metavar="NAME=VALUE",
        help="what the model is built with, e.g. transform_input=false; can be repeated",
    )  # fmt: skip


def classifier_of(options: argparse.Namespace) -> Classifier:
    """The classifier that the options name."""
    names: list[str] = []
    if options.categories:
        try:
            text = options.categories.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{options.categories}: must be UTF-8 text") from None
        names = [line.strip() for line in text.splitlines() if line.strip()]
    classifier = load_classifier(
        options.classifier,
        architecture=options.architecture,
        categories=names,
        device=options.device or default_device(),
        description=_description(options),
    )
    for note in classifier.notes:
        print(f"{classifier.name}: {note}", file=sys.stderr)
    return classifier


def arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the model is built with: numbers and truth values as such, all else as text."""
    arguments = dict[str, Any]()
    for text in options.argument:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--argument {text}: spell it name=value")
        try:
            arguments[key.strip()] = json.loads(value)
        except ValueError:
            arguments[key.strip()] = value
    return arguments


def _description(options: argparse.Namespace) -> Description:
    return Description(
        size=tuple(options.size), mean=tuple(options.mean), std=tuple(options.std),
        resize=options.resize, crop=options.crop, outputs=options.outputs,
        arguments=arguments_of(options), allow_random=options.allow_random,
    )  # fmt: skip


def add_settings(parser: argparse.ArgumentParser) -> None:
    """--set name.setting=value, for methods and metrics alike."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME.SETTING=VALUE",
        help="change one setting, e.g. lime.samples=1000; `list --settings` shows all",
    )  # fmt: skip


def fitting(methods: list[Method], classifier: Classifier) -> list[Method]:
    """The methods; raises ValueError with the reason of the first that does not fit."""
    for method in methods:
        reason = method.unfit(classifier)
        if reason:
            raise ValueError(f"{method.name}: {reason}")
    return methods


def check_settings(changes: list[str], *known: Mapping[str, type[Recipe]]) -> None:
    """Raise ValueError for a change that no method or metric has, chosen or not."""
    recipes = {name: recipe for group in known for name, recipe in group.items()}
    for change in changes:
        path, equals, value = change.partition("=")
        name, dot, setting = path.partition(".")
        if not (equals and dot) or name not in recipes:
            raise ValueError(
                f"--set {change}: spell it name.setting=value with a method or metric of `list`"
            )
        recipes[name].from_text(**{setting.strip(): value.strip()})


__all__ = [
    "METHODS",
    "add_classifier",
    "add_settings",
    "check_settings",
    "classifier_of",
    "fitting",
]
