"""Nothing that a person did is lost when requests of one page meet, on Streamlit's own classes."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from frame.repairs import FETCH_SECONDS, REPLIES, repair
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.scriptrunner_utils.exceptions import StopException
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.runtime.state.common import WidgetMetadata

repair()
repair()


def _waiting() -> ForwardMsgQueue:
    queue = ForwardMsgQueue()
    for number, name in enumerate(sorted(REPLIES)):
        message = ForwardMsg()
        getattr(message, name).SetInParent()
        message.metadata.delta_path.append(number)
        queue.enqueue(message)
    delta = ForwardMsg()
    delta.delta.new_element.text.body = "an element of the last run"
    queue.enqueue(delta)
    return queue


def _kinds(queue: ForwardMsgQueue) -> list[str | None]:
    return [message.WhichOneof("type") for message in queue._queue]


@pytest.mark.parametrize("fragments", [None, ["a fragment"]])
def test_a_new_run_drops_no_reply(fragments: list[str] | None) -> None:
    queue = _waiting()
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
    replies = [kind for kind in _kinds(queue) if kind in REPLIES]
    assert replies == sorted(REPLIES)
    assert ("delta" in _kinds(queue)) == (fragments is not None)


def test_what_was_sent_is_not_sent_again() -> None:
    queue = _waiting()
    assert len(queue.flush()) == 3
    assert queue.flush() == []


def _text(value: str) -> WidgetStates:
    states = WidgetStates()
    states.widgets.add(id="text", string_value=value)
    return states


def _session(callback: Callable[[], None]) -> SessionState:
    """A session whose page has a text field with this callback."""
    ThreadState.initialize()
    session = SessionState()
    described = WidgetMetadata(
        id="text",
        deserializer=lambda value: value or "",
        serializer=lambda value: value,
        value_type="string_value",
        callback=callback,
        callback_args=(),
        callback_kwargs={},
    )
    session.register_widget(described, None)
    session.on_script_will_rerun(_text(""))
    return session


def test_a_change_is_done_whole_when_its_request_comes_twice() -> None:
    begun, is_stopped = threading.Event(), threading.Event()
    done: list[str] = []

    def end_where_asked() -> None:
        if is_stopped.is_set():
            raise StopException

    def change() -> None:
        begun.set()
        is_stopped.wait(20)
        first["seen"] = "by the callback"  # where Streamlit asks whether the run is to end
        done.append("changed")

    session = _session(change)
    first = SafeSessionState(session, end_where_asked)
    second = SafeSessionState(session, lambda: None)

    def run_again() -> None:
        begun.wait(20)
        is_stopped.set()
        second.on_script_will_rerun(_text("new"))
        done.append(f"drawn with what was {second['seen']}")

    thread = threading.Thread(target=run_again)
    thread.start()
    first.on_script_will_rerun(_text("new"))
    thread.join(20)
    assert done == ["changed", "drawn with what was by the callback"]
    with pytest.raises(StopException):
        first["seen"] = "later"


def test_a_run_that_is_over_does_not_begin_a_change() -> None:
    def stop() -> None:
        raise StopException

    done: list[str] = []
    session = _session(lambda: done.append("changed"))
    with pytest.raises(StopException):
        SafeSessionState(session, stop).on_script_will_rerun(_text("new"))
    assert done == []
    SafeSessionState(session, lambda: None).on_script_will_rerun(_text("new"))
    assert done == ["changed"]


@pytest.mark.parametrize("by_timer", [False, True])
@pytest.mark.parametrize("is_clicked", [False, True])
def test_a_timer_does_not_carry_a_click(by_timer: bool, is_clicked: bool) -> None:
    runs: list[object] = []
    session = SimpleNamespace(
        _state=None,
        _scriptrunner=None,
        _client_state=ClientState(),
        _create_scriptrunner=runs.append,
        has_fragment=lambda name: True,
    )
    request = ClientState(is_auto_rerun=by_timer, fragment_id="part" if by_timer else "")
    request.widget_states.widgets.add(id="button", trigger_value=is_clicked)
    AppSession.request_rerun(session, request)  # type: ignore[arg-type]
    assert len(runs) == (0 if by_timer and is_clicked else 1)


def test_what_a_click_has_made_waits_for_its_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryMediaFileStorage("/media")
    manager = MediaFileManager(storage)
    placeholder = manager.add_deferred(lambda: b"maps", "application/octet-stream", "1.0", "m.npz")
    url = manager.execute_deferred(placeholder)
    for _ in range(5):  # runs of this page and of others
        manager.remove_orphaned_files()
    assert storage.get_file(url.rpartition("/")[2]).content == b"maps"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + FETCH_SECONDS + 1)
    manager.remove_orphaned_files()
    assert not manager._file_metadata
