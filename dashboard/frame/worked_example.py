"""Worked example: SLIC on a 5 x 5 grey image with two centres, every number shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

GREYS = np.array(
    [
        [20, 22, 25, 80, 82],
        [21, 24, 30, 81, 85],
        [19, 26, 70, 84, 83],
        [23, 60, 78, 80, 86],
        [25, 28, 79, 82, 84],
    ],
    dtype=float,
)
SEEDS = ((1.0, 1.0), (3.0, 3.0))
COMPACTNESS = 10.0
SPACING = float(np.sqrt(GREYS.size / len(SEEDS)))

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pass:
    """One round: the centres (grey, row, column) it began with, the labels it gave."""

    centres: tuple[tuple[float, float, float], ...]
    labels: Labels


def distance(
    pixel: tuple[int, int], centre: tuple[float, float, float], compactness: float = COMPACTNESS
) -> float:
    """D = sqrt(d_grey^2 + (d_place / S)^2 m^2), S the spacing of the seeds, m the compactness."""
    grey, row, column = centre
    colours = GREYS[pixel] - grey
    places = np.hypot(pixel[0] - row, pixel[1] - column)
    return float(np.sqrt(colours**2 + (places / SPACING) ** 2 * compactness**2))


def passes(rounds: int = 3) -> list[Pass]:
    """SLIC's rounds until the labels stay, at most `rounds`."""
    centres = tuple((float(GREYS[int(r), int(c)]), r, c) for r, c in SEEDS)
    done: list[Pass] = []
    for _ in range(rounds):
        labels = np.array(
            [
                [
                    int(np.argmin([distance((row, column), c) for c in centres]))
                    for column in range(5)
                ]
                for row in range(5)
            ],
            dtype=np.int64,
        )
        done.append(Pass(centres, labels))
        moved = tuple(_centre_of(labels == number) for number in range(len(SEEDS)))
        if moved == centres:
            break
        centres = moved
    return done


def _centre_of(members: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    rows, columns = np.nonzero(members)
    return float(GREYS[members].mean()), float(rows.mean()), float(columns.mean())
