"""`orchard generate`: draw a test split again; `orchard gates`: what must hold for its scenes."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core.command_line._paths import here
from xai_core.command_line._progress import ProgressLine
from xai_core.orchard.dataset import FOLDERS, generate


def add(commands: Any) -> None:
    parser = commands.add_parser("orchard", help="draw the embedded data set", description=__doc__)
    parser.add_argument("action", choices=("generate", "gates"))
    parser.add_argument(
        "--kind", choices=tuple(FOLDERS), default="fruits",
        help="single fruits and pairs, tables of three to five fruits, or varieties of one",
    )  # fmt: skip
    parser.add_argument("--out", type=here, help="folder to write; gates: its facts.json")
    parser.add_argument(
        "--limit", type=int, help="number of tables (240) or varieties (60, gates: 240)"
    )
    parser.add_argument("--classifier", help="gates: also measure this model on the scenes")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw scenes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.action == "gates":
        return _gates(options)
    line = ProgressLine("drawing")
    split = generate(
        options.out, lambda done, count: line.show("scenes", done / count), options.workers,
        options.kind, options.limit,
    )  # fmt: skip
    print(f"wrote {split.folder}")
    return 0


def _gates(options: argparse.Namespace) -> int:
    """Measure and print every gate; 1 where one does not hold."""
    from xai_core.ground_truth.facts import add_facts
    from xai_core.ground_truth.gates import model_gates, scene_gates, shots_of_kind
    from xai_core.models.loading import load_classifier

    line = ProgressLine("drawing")
    shots = shots_of_kind(options.kind, options.limit)
    gates = scene_gates(options.kind, shots)
    if options.classifier:
        gates += model_gates(
            load_classifier(options.classifier), shots, options.workers,
            lambda done, count: line.show("edited scenes", done / count),
        )  # fmt: skip
    for gate in gates:
        print(gate.sentence)
    if options.out:
        add_facts(options.out, gates={options.kind: [gate.to_dict() for gate in gates]})
        print(f"wrote {options.out / 'facts.json'}")
    return 0 if all(gate.holds is not False for gate in gates) else 1
