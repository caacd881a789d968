"""The commands of `campare`, one file each: `add(commands)` declares, `run` does."""

from xai_core.command_line import (
    accuracy,
    convergence,
    dashboard,
    evaluate,
    explain,
    features,
    gallery,
    list,
    orchard,
    train,
)

COMMANDS = (
    list, explain, evaluate, train, dashboard, gallery, features, convergence, accuracy, orchard
)  # fmt: skip
