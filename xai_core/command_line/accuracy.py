"""`accuracy`: how often a classifier is right, per class and per difficulty level."""

from __future__ import annotations

import argparse
import json
from typing import Any

from xai_core.command_line._choices import add_classifier, classifier_of
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._reading import add_reading, dataset_of
from xai_core.models.sources.embedded import card_of
from xai_core.titles import percent
from xai_core.training.accuracy import measure_accuracy
from xai_core.training.trainer import write_card


def add(commands: Any) -> None:
    parser = commands.add_parser("accuracy", help="measure accuracy", description=__doc__)
    parser.add_argument("--dataset", default="orchard", help="orchard or a folder of images")
    parser.add_argument("--update-card", action="store_true", help="write it into the model card")
    add_classifier(parser)
    add_reading(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    classifier = classifier_of(options)
    dataset = dataset_of(options, classifier)
    line = ProgressLine("classifying")
    found = measure_accuracy(
        classifier, dataset, options.framing, lambda part: line.show(dataset.name, part)
    )
    print(f"{dataset.name}: {percent(found['accuracy'], 1)} of {found['n']}")
    for heading in ("by_class", "by_level"):
        for name, counts in found[heading].items():
            print(f"  {heading[3:]} {name}: {percent(counts['accuracy'])} of {counts['n']}")
    if options.update_card:
        path = card_of(options.classifier)
        if path is None:
            raise ValueError(f"{options.classifier}: has no model card to write to")
        write_card(path, {**json.loads(path.read_text(encoding="utf-8")), "accuracy": found})
        print(f"wrote {path}")
    return 0
