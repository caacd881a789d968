"""`clusters`: which images of a run are explained alike, so that a shortcut is seen."""

from __future__ import annotations

import argparse
from typing import Any

from xai_core.command_line._paths import here
from xai_core.evaluation.clusters import cluster_table, clustered, stored_maps
from xai_core.evaluation.run_folder import load_manifest
from xai_core.findings.cluster_wording import CAPTION, clusters_say


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "clusters", help="group a run's images by where their heatmaps lie", description=__doc__
    )
    parser.add_argument("--run-dir", type=here, required=True, help="a run that keeps its heatmaps")
    parser.add_argument("--method", default="", help="of the run; default: its first")
    parser.add_argument("--class", dest="label", default="", metavar="NAME",
                        help="only images that the model takes for this class")  # fmt: skip
    parser.add_argument("--csv", type=here, metavar="FILE", help="each image with its cluster")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    manifest = load_manifest(options.run_dir).as_dict()
    specs = [entry["spec"] for entry in manifest["methods"].values()]
    method = options.method or specs[0]
    if method not in specs:
        raise ValueError(f"{options.run_dir}: has no method {method!r}; it has: {', '.join(specs)}")
    names = list(manifest["classifier"]["categories"])
    if options.label and options.label not in names:
        raise ValueError(f"the model knows no class {options.label!r}")
    images, maps = stored_maps(options.run_dir, manifest, method)
    if options.label:
        of_class = (images["predicted"] == names.index(options.label)).to_numpy()
        images, maps = images[of_class].reset_index(drop=True), maps[of_class]
    found = clustered(maps)
    table = cluster_table(images, found, names)
    print(table.to_string(index=False, float_format="%.3f", na_rep="-"))
    for sentence in [*clusters_say(table, method, manifest), CAPTION]:
        print(sentence)
    if options.csv:
        rows = images[["image", "sha256", "label", "predicted"]].assign(cluster=found.labels + 1)
        rows.to_csv(options.csv, index=False)
        print(f"wrote {options.csv}")
    return 0
