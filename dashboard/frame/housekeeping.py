"""Housekeeping: what is done every few seconds, whoever looks: turns and expiry."""

from __future__ import annotations

import asyncio
import logging

SECONDS = 15.0


async def keep_house() -> None:
    """Begin evaluations whose turn has come, and remove what has expired, until cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        try:
            await asyncio.to_thread(_once)
        except Exception:  # a full disk now must not end it for good
            logging.getLogger(__name__).exception("housekeeping failed")


def _once() -> None:
    from runs import expiry, jobs  # is loaded by now; before, the server would begin later

    jobs.begin_next()
    expiry.expire()
