"""Digits: as many decimals as a number's interval supports."""

from __future__ import annotations

import math
from collections.abc import Iterable

SIGNIFICANT = 2
"""Digits of the half-width that are shown."""
MOST, WITHOUT_INTERVAL = 6, 3


def decimals_for(half_widths: Iterable[float]) -> int:
    """Decimals at which the widest half-width still shows two digits: 0.034 gives 3, 0.12 gives 2.

    One number for a column, so that no cell claims more than the least certain one beside it.
    """
    known = [width for width in half_widths if math.isfinite(width) and width > 0]
    if not known:
        return WITHOUT_INTERVAL
    leading = math.floor(math.log10(max(known)))
    return min(max(SIGNIFICANT - 1 - leading, 0), MOST)


def spelled(value: float, decimals: int) -> str:
    """A number with so many decimals, never "-0.00"; "" for a missing one."""
    return f"{value:z.{decimals}f}" if math.isfinite(value) else ""
