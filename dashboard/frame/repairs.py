"""Repairs: four ways in which Streamlit 1.67 loses what a person did, mended for this server.

Pages draw parts of themselves anew while maps arrive, so requests meet each other often: in a page
that does so three to six times a second, 4 of 40 uploads never began, and 9 of 40 changes of a text
had no effect.
"""

from __future__ import annotations

import math
import threading
import time
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileMetadata
from streamlit.runtime.state import SafeSessionState

REPLIES = frozenset({"file_urls_response", "backend_operation_response"})
_CALLBACKS = threading.RLock()
FETCH_SECONDS = 60.0
"""How long a file that a click has made waits for the browser to fetch it."""


def repair() -> None:
    """Mend all of it; a second call changes nothing."""
    if not hasattr(ForwardMsgQueue.clear, "__wrapped__"):
        _keep_replies()
        _finish_callbacks()
        _hear_clicks_once()
        _keep_downloads()


def _keep_replies() -> None:
    """What a browser has asked for still reaches it when the page is drawn again meanwhile.

    A browser asks where to send an upload, and for a download that is built on demand. When a run
    of the script begins, what waits to be sent is dropped, and with it an answer that is a few
    milliseconds old: the upload never begins, and nothing says so.
    """
    drop = ForwardMsgQueue.clear

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


def _finish_callbacks() -> None:
    """What a change is to do is done whole before the next run of the page begins.

    A change often comes twice, first with the request of a timer that was due. The second request
    ends the run of the first in the middle of its callback, and finds nothing changed any more.
    """
    begin = SafeSessionState.on_script_will_rerun

    @wraps(begin)
    def on_script_will_rerun(self: SafeSessionState, *states: Any, **options: Any) -> None:
        with _CALLBACKS:
            is_asked_to_end = self._yield_callback
            is_asked_to_end()
            object.__setattr__(self, "_yield_callback", lambda: None)
            try:
                begin(self, *states, **options)
            finally:
                object.__setattr__(self, "_yield_callback", is_asked_to_end)

    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign]


def _hear_clicks_once() -> None:
    """A click that comes along with the request of a timer waits for its own, which follows."""
    request = AppSession.request_rerun

    @wraps(request)
    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:
        if client_state is None or not client_state.is_auto_rerun or not _has_click(client_state):
            request(self, client_state)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign]


def _keep_downloads() -> None:
    """A file that a click has made stays until the browser has had time to fetch it.

    It belongs to no page, so it is dropped when the script has ended twice, in whichever session:
    with three pages open a download was refused (404) in 4 of 8 tries.
    """
    mark = MediaFileMetadata.mark_for_delete
    marked_at: WeakKeyDictionary[MediaFileMetadata, float] = WeakKeyDictionary()

    @wraps(mark)
    def mark_for_delete(self: MediaFileMetadata) -> None:
        mark(self)
        marked_at.setdefault(self, time.monotonic())

    def is_marked_for_delete(self: MediaFileMetadata) -> bool:
        return time.monotonic() - marked_at.get(self, math.inf) > FETCH_SECONDS

    MediaFileMetadata.mark_for_delete = mark_for_delete  # type: ignore[method-assign]
    MediaFileMetadata.is_marked_for_delete = property(is_marked_for_delete)  # type: ignore[assignment,method-assign]


def _has_click(client_state: ClientState) -> bool:
    return any(one.trigger_value for one in client_state.widget_states.widgets)
