"""Training curve: loss and validation accuracy of every epoch as one figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from xai_core.files import write_whole


def write_training_curve(history: Sequence[dict[str, float]], path: Path, title: str) -> None:
    """Draw the log of `run_training` as a PNG; dotted lines show where the input size changes."""
    figure = Figure(figsize=(8, 3.4), dpi=150, layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    loss.plot(epochs, [row["loss"] for row in history], marker="o", color="#c8401c")
    loss.set_ylabel("training loss")
    shares = [100 * row["accuracy"] for row in history]
    accuracy.plot(epochs, shares, marker="o", color="#0b5cad")
    best = max(range(len(shares)), key=shares.__getitem__)
    accuracy.set_ylabel("validation accuracy, %")
    accuracy.set_title(f"best {shares[best]:.1f} % in epoch {epochs[best]:g}", fontsize=10)
    for part in (loss, accuracy):
        part.set_xlabel("epoch")
        part.xaxis.get_major_locator().set_params(integer=True)
        part.spines[["top", "right"]].set_visible(False)
        for row, before in zip(history[1:], history, strict=False):
            if row["size"] != before["size"]:
                part.axvline(row["epoch"] - 0.5, color="#8a8a8a", linestyle=":")
    figure.suptitle(title, fontsize=11)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    write_whole(path, drawn.getvalue())
