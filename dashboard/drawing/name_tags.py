"""Name tags: where the names of a chart's points go, so that none covers another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

SPOTS = {
    "top center": (0.0, 1.0), "middle right": (1.0, 0.0), "bottom center": (0.0, -1.0),
    "middle left": (-1.0, 0.0),
}  # fmt: skip
"""Where a name may stand beside its point, as plotly calls it: direction right and up."""
LETTER_PX, LINE_PX, POINT_PX = 6.0, 12.0, 12.0
PLOT_PX = (780.0, 420.0)
"""The plane of a chart 520 px high in a window of 1024 px; narrower ones are scrolled."""
FILLED = 0.85
"""How much of an axis plotly gives to the values that it is to hold."""
Box = tuple[float, float, float, float]
Range = tuple[float, float]


def place_names(
    x: Iterable[float],
    y: Iterable[float],
    names: Iterable[str],
    size_px: Sequence[float],
    held: tuple[Range | None, Range | None] = (None, None),
) -> list[str]:
    """A spot for each name, "" where none is free; earlier names choose first.

    `x` and `y` lie on linear axes drawn `size_px` wide and high; they just hold the points, or what
    is `held` on each.
    """
    across, upward = (_pixels(*about) for about in zip((x, y), size_px, held, strict=True))
    points = list(zip(across, upward, strict=True))
    taken = [_box(point, POINT_PX, POINT_PX) for point in points]
    spots = []
    for point, name in zip(points, names, strict=True):
        width = LETTER_PX * len(name)
        free = {
            spot: box
            for spot, way in SPOTS.items()
            if not any(_cover(box := _beside(point, way, width), other) for other in taken)
        }
        spot = next(iter(free), "")
        if spot:
            taken.append(free[spot])
        spots.append(spot)
    return spots


def _pixels(values: Iterable[float], px: float, held: Range | None = None) -> list[float]:
    found = np.asarray(list(values), dtype=float)
    low, high = held or (found.min(initial=np.inf), found.max(initial=-np.inf))
    return list((found - low) / (high - low if high > low else 1.0) * FILLED * px)


def _box(centre: tuple[float, float], width: float, height: float) -> Box:
    x, y = centre
    return x - width / 2, x + width / 2, y - height / 2, y + height / 2


def _beside(point: tuple[float, float], way: tuple[float, float], width: float) -> Box:
    x = point[0] + way[0] * (POINT_PX + width + 1) / 2
    y = point[1] + way[1] * (POINT_PX + LINE_PX + 1) / 2
    return _box((x, y), width, LINE_PX)


def _cover(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def spread(heights: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Where names stand that belong at these heights: in their order, at least `gap` apart.

    They stay between low and high as long as all have room there.
    """
    order = sorted(range(len(heights)), key=lambda number: -heights[number])
    places = [0.0] * len(heights)
    limit = high
    for number in order:
        places[number] = limit = min(heights[number], limit)
        limit -= gap
    floor = low
    for number in reversed(order):
        places[number] = floor = max(places[number], floor)
        floor += gap
    return places
