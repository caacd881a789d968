"""Grey values beyond 8 bits: which of them become black and which white."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Window = tuple[float, float]
Values = npt.NDArray[Any]
DEPTHS = (8, 10, 12, 14, 16)
PERCENTILES = (0.5, 99.5)
SAMPLED = 1_000_000
NAMED = 3


@dataclass(frozen=True)
class Range:
    """What a image's values span; `sample` has at most about a million of the finite ones."""

    low: float
    high: float
    whole: bool
    sample: npt.NDArray[np.float32]


def range_of(strips: Iterable[Values], pixels: int) -> Range:
    """The range of an image of so many pixels that comes in strips of rows."""
    step = max(1, pixels // SAMPLED)
    kept, lows, highs, whole = [], [], [], True
    for strip in strips:
        values = strip[np.isfinite(strip)]
        if values.size:
            lows.append(float(values.min()))
            highs.append(float(values.max()))
            some = values[::step].astype(np.float32)
            whole = whole and bool((some == np.floor(some)).all())
            kept.append(some)
    if not kept:
        return Range(0.0, 0.0, True, np.zeros(1, np.float32))
    return Range(min(lows), max(highs), whole, np.concatenate(kept))


def window_of(found: Range, deepest: bool) -> tuple[Window, str]:
    """The window that shows an image, and what to say of it ("" where nothing was guessed).

    Whole numbers use the bits that they need (12 bits in a 16-bit file: 0 to 4095), fractions
    from 0 to 1 all of it, anything else its percentiles. `deepest`: the file has 16 bits.
    """
    if found.low >= 0 and found.high <= 1 and not (deepest or found.whole):
        return (0.0, 1.0), ""
    if found.low >= 0 and found.high < 2 ** DEPTHS[-1] and found.whole:
        bits = next(depth for depth in DEPTHS if found.high < 2**depth)
        high = 2.0**bits - 1
        said = "" if deepest and bits == DEPTHS[-1] else f"{bits} bits used: 0 to {high:.0f}"
        return (0.0, high), said
    low, high = (float(value) for value in np.percentile(found.sample, PERCENTILES))
    return (low, high), f"percentiles {PERCENTILES[0]} to {PERCENTILES[1]}: {low:.6g} to {high:.6g}"


def windowed(values: Values, window: Window) -> npt.NDArray[np.uint8]:
    """Values as 0 .. 255 from the window's low to its high end; what is no number is black."""
    low, high = window
    scale = 255.0 / (high - low) if high > low else 255.0
    shown = (values.astype(np.float32) - np.float32(low)) * np.float32(scale)
    shown = np.nan_to_num(shown, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    grey: npt.NDArray[np.uint8] = shown.clip(0, 255, out=shown).round().astype(np.uint8)
    return grey


def window_sentences(counts: Counter[str]) -> list[str]:
    """One sentence on the windows that were chosen for so many images; none without any."""
    told = [f"{count} with {note}" for note, count in counts.most_common(NAMED)]
    others = f" and {len(counts) - NAMED} other windows" if len(counts) > NAMED else ""
    sentence = f"grey of more than 8 bits: {'; '.join(told)}{others}; --window LOW HIGH sets one"
    return [sentence] if told else []
