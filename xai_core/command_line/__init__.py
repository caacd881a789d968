"""The commands of `campare`, one file each: `add(commands)` declares, `run` does."""

from xai_core.command_line import (
    accuracy,
    convergence,
    evaluate,
    explain,
    features,
    gallery,
    list,
    orchard,
    train,
)

COMMANDS = (list, explain, evaluate, gallery, features, convergence, accuracy, train, orchard)
