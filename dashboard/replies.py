"""Replies: what a browser has asked for still reaches it when the page is drawn anew meanwhile.

A browser asks the server where to send an upload, and for a download that is built on demand.
When a run of the script begins, Streamlit 1.67 drops what waits to be sent (`ForwardMsgQueue`),
and with it an answer that is a few milliseconds old: the upload never begins, and nothing says so.
Pages draw themselves anew while maps arrive, so this happens (4 of 40 uploads in a page that did
it six times a second).
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

REPLIES = frozenset({"file_urls_response", "backend_operation_response"})


def keep_replies() -> None:
    """Let replies stay in the queues of this server; a second call changes nothing."""
    drop = ForwardMsgQueue.clear
    if hasattr(drop, "__wrapped__"):
        return

    @wraps(drop)
    def clear(
        self: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        waiting = [m for m in self._queue if m.WhichOneof("type") in REPLIES]
        drop(self, retain_lifecycle_msgs, fragment_ids_this_run)
        if retain_lifecycle_msgs:  # else all of it has just been sent
            self._queue += [message for message in waiting if message not in self._queue]

    ForwardMsgQueue.clear = clear  # type: ignore[method-assign]
