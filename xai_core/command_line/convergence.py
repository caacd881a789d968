"""`convergence`: how many samples LIME, SHAP and the like need until the seed stops to matter."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core import DATA
from xai_core.catalog import configure
from xai_core.command_line._choices import (
    METHODS,
    add_classifier,
    add_settings,
    check_settings,
    classifier_of,
    fitting,
)
from xai_core.command_line._paths import here
from xai_core.command_line._progress import ProgressLine
from xai_core.command_line._reading import add_reading, dataset_of
from xai_core.evaluation.allocator import keep_blocks
from xai_core.evaluation.convergence import measure_convergence, write_convergence

SAMPLES = (50, 100, 200, 500, 1000)


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "convergence", help="seed against number of samples", description=__doc__
    )
    parser.add_argument("--dataset", default="orchard", help="orchard, or a folder of images")
    add_classifier(parser)
    add_reading(parser)
    parser.add_argument(
        "--methods", nargs="+", default=["lime", "kernel_shap"], metavar="METHOD",
        help="methods with the settings samples and seed",
    )  # fmt: skip
    parser.add_argument("--samples", nargs="+", type=int, default=list(SAMPLES), metavar="N")
    parser.add_argument("--limit", type=int, default=4, help="images, spread over the data set")
    parser.add_argument("--run-dir", type=here, default=DATA / "runs" / "shipped")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise ValueError(f"--limit must be at least 1, got {options.limit}")
    keep_blocks()
    check_settings(options.set, METHODS)
    classifier = classifier_of(options)
    methods = fitting(configure(options.methods, METHODS, options.set), classifier)
    for method in methods:
        if not {"samples", "seed"} <= set(method.declared()):
            raise ValueError(f"{method.name}: has no number of samples and seed to change")
    items = dataset_of(options, classifier).items
    chosen = items[:: max(1, len(items) // options.limit)][: options.limit]
    line = ProgressLine("sampling")
    measured = measure_convergence(
        classifier, [item.open() for item in chosen], methods, options.samples,
        options.framing, line.show,
    )  # fmt: skip
    print(f"wrote {write_convergence(options.run_dir, measured)}")
    for method in methods:
        for count in options.samples:
            found = [
                row["agreement"]
                for row in measured["rows"]
                if (row["method"], row["samples"]) == (method.name, count)
                and row["agreement"] is not None
            ]
            mean = sum(found) / len(found) if found else float("nan")
            print(f"  {method.title} {count:>6} samples: {mean:.3f} over {len(found)} images")
    return 0
