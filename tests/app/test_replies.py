"""Answers to a browser that asks where to send an upload outlive the page that is drawn anew."""

import pytest
from replies import REPLIES, keep_replies
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


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
    keep_replies()
    keep_replies()
    queue = _waiting()
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=fragments)
    replies = [kind for kind in _kinds(queue) if kind in REPLIES]
    assert replies == sorted(REPLIES)
    assert ("delta" in _kinds(queue)) == (fragments is not None)


def test_what_was_sent_is_not_sent_again() -> None:
    keep_replies()
    queue = _waiting()
    assert len(queue.flush()) == 3
    assert queue.flush() == []
