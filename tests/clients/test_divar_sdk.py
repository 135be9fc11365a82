"""What divar's published Python SDK does (kenar.py): it sends text and media, reads conversations, subscribes."""

import json

import pytest

from files import file
from kenar import Kenar, Refused, Unreadable, HISTORY
from sockets import socket
from webhook import Webhook

CONVERSATIONS = """
[[conversations]]
name       = "flat"
post_token = "gXYZ"
divar      = "conversation-101"
frontdesk  = 101

[[conversations]]
name       = "house"
post_token = "gABC"
divar      = "conversation-102"
frontdesk  = 102
"""
RECEIVER = Webhook()
OPTIONS = {"divar": f"""
events = {{ url = "{RECEIVER.url}", key = "identification-key-8f14e45fceea167a" }}
options = {{ media_in_history = true, subscribed_only = true }}"""}
CONVERSATION = "conversation-101"
GRID = {"rows": [{"buttons": [{"action": {"open_direct_link": "https://app.example/"}, "caption": "Open", "icon": "HOME"}]}]}
FILES = [("image", "a.png", "image/png", "IMAGE"), ("file", "a.pdf", "application/pdf", "FILE"),
         ("voice", "a.m4a", "audio/mp4", "VOICE"), ("video", "a.mp4", "video/mp4", "VIDEO")]


@pytest.fixture(scope="module", autouse=True)
def receiver():
    yield RECEIVER
    RECEIVER.close()


@pytest.fixture
def kenar(gateway):
    return Kenar(gateway.address, gateway.api_key, gateway.access_token)


def refused(status, code, call, *arguments, **named):
    with pytest.raises(Refused) as refusal:
        call(*arguments, **named)
    assert refusal.value.status == status, refusal.value
    assert json.loads(refusal.value.body)["code"] == code


def test_text_and_media_are_sent_and_read(kenar, tmp_path):
    sent = {"status": 200, "message": "Message sent"}
    assert kenar.send(CONVERSATION, "سلام") == sent
    assert kenar.send(CONVERSATION, "pick one", sender_buttons=GRID, receiver_buttons=GRID) == sent
    for kind, name, mime, _ in FILES:
        media = kenar.upload(kind, name, mime, file(tmp_path, name).read_bytes())
        assert media["status"] == "ok"
        assert kenar.send(CONVERSATION, "", media_token=media["id"]) == sent
    shown = kenar.read(CONVERSATION)
    assert shown["conversation"] == {"id": CONVERSATION, "type": "POST", "post_token": "gXYZ"}
    assert [message["type"] for message in shown["messages"]] == ["TEXT", "TEXT", *(name for *_, name in FILES)]
    assert [message.get("text") for message in shown["messages"][:2]] == ["سلام", "pick one"]
    for message, (_, name, *_) in zip(shown["messages"][2:], FILES):
        data = next(value for member, value in message.items() if member.endswith("_data"))
        assert data["size_bytes"] == str(file(tmp_path, name).stat().st_size)
        assert data["link"].startswith("http")


def test_every_path_of_the_bot(kenar):
    for path in ("/v1/open-platform/chat/bot/conversations", "/experimental/open-platform/chat/bot/conversations",
                 "/experimental/open-platform/chatbot-conversations", "/v2/open-platform/chatbot-conversations"):
        assert kenar.bot_send("bot-7", "hello", buttons=GRID, path=path) == {"conversation_id": "bot-7"}
    for path in ("/v1/open-platform/chat/bot/users", "/experimental/open-platform/chat/bot/users"):
        answer = kenar.bot_send("seller-1", "hello", path=path)
        assert [message["text"] for message in kenar.read(answer["conversation_id"])["messages"]][0] == "hello"
    shown = kenar.read("bot-7")
    assert shown["conversation"]["type"] == "BOT"
    assert [message["sender"]["type"] for message in shown["messages"]] == ["BOT"] * 4


def test_refusals(gateway, kenar):
    refused(404, 5, kenar.read, "conversation-nobody-knows")
    refused(400, 3, kenar.send, CONVERSATION, "")
    refused(400, 3, kenar.send, CONVERSATION, "", media_token="nonsense")
    refused(400, 3, kenar.subscribe, None)
    refused(400, 3, kenar.subscribe, "UNKNOWN")
    refused(401, 16, Kenar(gateway.address, "nonsense", gateway.access_token).read, CONVERSATION)
    for call in ("read", "send"):
        arguments = (CONVERSATION,) if call == "read" else (CONVERSATION, "hello")
        refused(401, 16, getattr(Kenar(gateway.address, gateway.api_key), call), *arguments)
        refused(401, 16, getattr(Kenar(gateway.address, gateway.api_key, "nonsense"), call), *arguments)
    # A bot's own conversations are no user's: the key is enough.
    assert Kenar(gateway.address, gateway.api_key).bot_send("bot-7", "hello") == {"conversation_id": "bot-7"}


def test_only_events_of_what_was_subscribed_to_come(gateway, kenar):
    staff = gateway.token("frontdesk", "staff-1", role="staff", name="Ann")
    with socket(f"{gateway.socket}/ws/chat/?token={staff}") as desk:
        kenar.subscribe("NEW_MESSAGE_ON_POST", "gXYZ", {"k": "v"})
        for text, conversation in (("of a post nobody asked about", 102), ("asked for", 101), ("again", 101)):
            desk.send({"type": "text", "conversation_id": conversation, "content": text})
            desk.receive()
    calls = [RECEIVER.next().json for _ in range(2)]
    assert [call["new_message"]["text"] for call in calls] == ["asked for", "again"]
    assert [call["metadata"] for call in calls] == [{"k": "v"}, {"k": "v"}]


def test_what_the_sdk_would_not_take_is_noticed():
    message = {"id": "1", "type": "TEXT", "sent_at": "2025-01-01T00:00:00Z", "sender": {"type": "HUMAN"}}
    good = {"conversation": {"id": "c"}, "messages": [message]}
    HISTORY(good)
    for wrong in ({"id": 1}, {"sent_at": 1729429926140000}, {"type": "SYSTEM"}, {"sender": {"type": "USER"}},
                  {"image_data": {"size_bytes": 5}}):
        with pytest.raises(Unreadable):
            HISTORY({**good, "messages": [{**message, **wrong}]})
    with pytest.raises(Unreadable):
        HISTORY({"conversation": {"id": "c"}})
