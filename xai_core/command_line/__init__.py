"""The commands of `campare`, one file each: `add(commands)` declares, `run` does."""

from xai_core.command_line import (
    accuracy,
    clusters,
    convergence,
    dashboard,
    evaluate,
    explain,
    features,
    gallery,
    list,
    note,
    orchard,
    report,
    train,
)

COMMANDS = (
    list, explain, evaluate, train, dashboard, gallery, features, convergence, accuracy, orchard,
    report, clusters, note,
)  # fmt: skip
