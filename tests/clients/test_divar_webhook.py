"""divar's other direction: the gateway calls the app when somebody writes in its conversation."""

import pytest

from form import INTEGER, TEXT, same
from sockets import socket
from webhook import Webhook

CONVERSATIONS = """
[[conversations]]
name      = "flat"
divar     = "conversation-101"
frontdesk = 101
"""
KEY = "identification-key-8f14e45fceea167a"

RECEIVER = Webhook()
OPTIONS = {"divar": f'events = {{ url = "{RECEIVER.url}", key = "{KEY}" }}'}


@pytest.fixture(scope="module", autouse=True)
def receiver():
    yield RECEIVER
    RECEIVER.close()


def test_the_app_is_told_of_a_message(gateway):
    staff = gateway.token("frontdesk", "staff-1", role="staff", name="Ann")
    with socket(f"{gateway.socket}/ws/chat/?token={staff}") as desk:
        for text in ("Is it still free?", "سلام"):
            desk.send({"type": "text", "conversation_id": 101, "content": text})
            desk.receive()
            call = RECEIVER.next()
            assert call.headers["authorization"] == KEY
            assert call.headers["content-type"].startswith("application/json")
            same(call.body, {
                "type": "NEW_MESSAGE",
                "metadata": {},
                "new_message": {
                    "id": TEXT,
                    "conversation": {"id": "conversation-101", "type": "POST"},
                    "sender": {"type": "HUMAN"},
                    "type": "TEXT",
                    "sent_at": INTEGER,
                    "text": text,
                },
            })


def test_a_call_that_failed_is_repeated_and_a_refused_one_is_not(gateway):
    staff = gateway.token("frontdesk", "staff-1", role="staff", name="Ann")
    with socket(f"{gateway.socket}/ws/chat/?token={staff}") as desk:
        for statuses, texts in [([503], ["first", "first", "second"]), ([404], ["first", "second"])]:
            RECEIVER.answer_with(statuses)
            for text in ("first", "second"):
                desk.send({"type": "text", "conversation_id": 101, "content": text})
                desk.receive()
            assert [RECEIVER.next().json["new_message"]["text"] for _ in texts] == texts
