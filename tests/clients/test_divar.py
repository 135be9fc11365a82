"""divar by curl: the three steps of an upload, messages, the conversation, limits and errors of the document, webhooks."""

import pytest

from curl import curl, post
from files import file
from form import MICROSECONDS_Z, TEXT, like, same

CONVERSATIONS = """
[[conversations]]
name      = "flat"
divar     = "conversation-101"
frontdesk = 101
"""

MESSAGES = "/v2/open-platform/conversations/conversation-101/messages"
CONVERSATION = "/v1/open-platform/chat/conversations/conversation-101"
MEBIBYTE = 1024 * 1024


def key(gateway):
    return ["--header", f"X-API-Key: {gateway.api_key}"]


def both(gateway):
    return [*key(gateway), "--header", f"Authorization: Bearer {gateway.access_token}"]


def send(gateway, body, path=MESSAGES):
    return post(gateway.address + path, body, *both(gateway))


def upload_token(gateway):
    answer = post(f"{gateway.address}/experimental/open-platform/chat/upload", {}, *key(gateway))
    assert answer.status == 200
    return same(answer.body, {"token": TEXT})["token"]


def upload(gateway, kind, path, token=None):
    return curl(f"{gateway.address}/upload/{kind}", "-H", "Accept: */*", "-F", f"file=@{path}", token=token or upload_token(gateway))


def conversation(gateway):
    answer = curl(gateway.address + CONVERSATION, *both(gateway))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json


def refusal(answer, status, code):
    assert answer.status == status, answer
    same(answer.body, {"code": code, "message": TEXT, "details": []})


@pytest.mark.parametrize("kind, name", [("image", "a.png"), ("image", "a.jpg"), ("file", "a.pdf"), ("voice", "a.m4a"), ("video", "a.mp4")])
def test_the_three_steps(gateway, tmp_path, kind, name):
    answer = upload(gateway, kind, file(tmp_path, name))
    assert answer.status == 200
    media = same(answer.body, {"id": TEXT, "status": "ok"})["id"]
    same(send(gateway, {"message": "", "media_token": media}).body, {"status": 200, "message": TEXT})


def test_text_is_in_the_conversation(gateway):
    for text in ("hello", "hello", "سلام"):
        answer = send(gateway, {"type": "TEXT", "message": text})
        assert answer.status == 200
        same(answer.body, {"status": 200, "message": TEXT})
    shown = conversation(gateway)
    assert list(shown) == ["conversation", "messages"]
    assert shown["conversation"]["id"] == "conversation-101"
    assert [message["text"] for message in shown["messages"]] == ["hello", "hello", "سلام"]
    for message in shown["messages"]:
        # What the published clients check: text ids, RFC 3339, the enumerations, and no key of our own.
        assert set(message) <= {"id", "conversation", "sender", "type", "sent_at", "text"}
        assert isinstance(message["id"], str) and message["type"] == "TEXT"
        assert message["conversation"]["type"] in ("POST", "BOT") and message["sender"]["type"] in ("HUMAN", "BOT")
        assert like(message["sent_at"], MICROSECONDS_Z)


def test_the_bot_sends_to_a_conversation(gateway):
    for path in ("/v1/open-platform/chat/bot/conversations/bot-7/messages",
                 "/experimental/open-platform/chat/bot/conversations/bot-7/messages",
                 "/experimental/open-platform/chatbot-conversations/bot-7/messages"):
        answer = post(gateway.address + path, {"text_message": "hello", "buttons": {"rows": []}}, *key(gateway))
        assert answer.status == 200
        same(answer.body, {"conversation_id": "bot-7"})


@pytest.mark.parametrize("kind, name, size", [
    ("image", "large.png", 5 * MEBIBYTE), ("file", "large.pdf", 5 * MEBIBYTE), ("voice", "large.m4a", 3 * MEBIBYTE // 2),
    ("video", "large.mp4", 50 * MEBIBYTE),
])
def test_the_documented_sizes(gateway, tmp_path, kind, name, size):
    assert upload(gateway, kind, file(tmp_path, name, size)).status == 200
    refusal(upload(gateway, kind, file(tmp_path, name, size + 1)), 413, 3)


@pytest.mark.parametrize("kind, name", [("image", "a.gif"), ("image", "a.pdf"), ("file", "a.png"), ("file", "a.zip"), ("voice", "a.mp3"),
                                        ("video", "a.m4a")])
def test_other_formats_are_refused(gateway, tmp_path, kind, name):
    refusal(upload(gateway, kind, file(tmp_path, name)), 400, 3)


def test_errors(gateway, tmp_path):
    photo = file(tmp_path, "a.png")
    refusal(upload(gateway, "image", photo, token="nonsense"), 401, 16)
    refusal(curl(f"{gateway.address}/upload/image", "-F", f"file=@{photo}"), 401, 16)
    refusal(curl(f"{gateway.address}/upload/image", "-F", "other=x", token=upload_token(gateway)), 400, 3)
    refusal(curl(f"{gateway.address}/upload/smell", "-F", f"file=@{photo}", token=upload_token(gateway)), 404, 5)
    refusal(post(gateway.address + MESSAGES, {"message": "x"}), 401, 16)
    refusal(post(gateway.address + MESSAGES, {"message": "x"}, "-H", "X-API-Key: nonsense"), 401, 16)
    refusal(send(gateway, {}), 400, 3)
    refusal(send(gateway, {"message": ""}), 400, 3)
    refusal(send(gateway, {"message": 7}), 400, 3)
    refusal(send(gateway, {"message": "", "media_token": "nonsense"}), 400, 3)
    refusal(curl(gateway.address + MESSAGES, "--data", "{", "-H", "Content-Type: application/json", *both(gateway)), 400, 3)
    assert conversation(gateway)["messages"] == []


def test_a_recipient_who_takes_no_messages_is_412_with_code_9(gateway):
    """The one pair of status and code that is documented: here the house has closed the conversation."""
    staff = gateway.token("frontdesk", "staff-1", role="staff", name="Ann")
    assert send(gateway, {"message": "hello"}).status == 200
    closed = post(f"{gateway.address}/api/chat/conversations/close/", {"conversation_id": 101}, token=staff)
    assert closed.status == 200
    refusal(send(gateway, {"message": "anybody there?"}), 412, 9)
