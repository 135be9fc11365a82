"""All five in one room: each sends words and a file in its own dialect, and everybody is told in theirs. curl uploads;
Python's websockets, Node's ws and Python's http.server listen."""

import contextlib
import json

import pytest

from curl import curl, post
from files import file
from javascript_peer import Peer
from sockets import socket
from webhook import Webhook

US, THEM = "3f0c2b1e-0000-4000-8000-00000000000a", "3f0c2b1e-0000-4000-8000-00000000000b"
VISITOR = "11111111-2222-4333-8444-555555555555"

CONVERSATIONS = f"""
[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
andromedia = {{ business = "hotel", external_customer_id = "room-101" }}
licomed    = ["{US}", "{THEM}"]
divar      = "conversation-101"
luxmart    = 7
guest      = {{ name = "Gil", room_number = "101" }}
"""
RECEIVER = Webhook()
OPTIONS = {"divar": f'events = {{ url = "{RECEIVER.url}", key = "identification-key-cross-1f0e3dad" }}'}


class Frontdesk:
    """The hotel's staff."""

    def __init__(self, gateway, stack):
        self.gateway = gateway
        self.token = gateway.token("frontdesk", "staff-1", role="staff", name="Ann", department="reception")
        self.socket = stack.enter_context(socket(f"{gateway.socket}/ws/chat/?token={self.token}"))

    def say(self, text):
        self.socket.send({"type": "text", "conversation_id": 101, "content": text})

    def send(self, path):
        url = uploaded(self.gateway, "/api/chat/upload-media/", path, "-F", "conversation_id=101", token=self.token)["file_url"]
        self.socket.send({"type": "media", "conversation_id": 101, "file_url": url, "filename": path.name, "file_type": "document"})

    def hear(self, mark):
        message = json.loads(self.socket.until(lambda frame: mark in json.dumps(frame)))["message"]
        assert message["conversation_id"] == 101 and message["guest_info"] == {"name": "Gil", "room_number": "101"}
        if message["message_type"] == "text":
            return "text", message["content"]
        return "file", message["media_url"]


class Andromedia:
    """A visitor, with Node's ws."""

    def __init__(self, gateway, stack):
        self.gateway = gateway
        self.token = gateway.token("andromedia", VISITOR, role="visitor", business="hotel")
        opened = post(f"{gateway.address}/chat/start-session/", {"business": "hotel", "external_customer_id": "room-101"}, token=self.token)
        session = opened.json["data"]["session_id"]
        process = Peer("node.cjs")
        stack.callback(process.stop)
        self.socket = process.open(f"{gateway.socket}/ws/visitor-chat/?session_id={session}", ["Bearer", self.token])
        assert self.socket.opened() == "Bearer"
        self.socket.receive()

    def say(self, text):
        self.socket.send({"type": "text", "content": text})

    def send(self, path):
        url = uploaded(self.gateway, "/chat/upload-file/", path, "-F", "message=null", token=self.token)["data"]["file"]
        self.socket.send({"type": "file", "file": url, "is_audio": True})

    def hear(self, mark):
        while mark not in (text := self.socket.receive()):
            pass
        frame = json.loads(text)
        return ("text", frame["content"]) if frame["type"] == "text" else ("file", frame["file"])


class Licomed:
    """A user, whose frames of files have no link: it is in the history."""

    def __init__(self, gateway, stack):
        self.gateway = gateway
        self.token = gateway.token("licomed", US, role="user", name="Cara")
        self.socket = stack.enter_context(socket(f"{gateway.socket}/ws/chat/room/?token={self.token}"))

    def say(self, text):
        self.socket.send({"action": "text_message", "message_body": text, "receiver_id": THEM})

    def send(self, path):
        answer = uploaded(self.gateway, "/chat/attachment/", path, "-F", f"receiver={THEM}", token=self.token, field="attached_file")
        self.socket.send({"action": "file_message", "chat_id": answer["entity"]["message"]["id"]})

    def hear(self, mark):
        frame = json.loads(self.socket.until(lambda frame: mark in json.dumps(frame)))
        assert {frame["sender_id"], frame["receiver_id"]} == {US, THEM}
        if frame["message_type"] == "text":
            return "text", frame["message"]
        history = curl(f"{self.gateway.address}/chat/messages/{THEM}/", token=self.token).json["data"]["messages"]
        [message] = [message for message in history if message["id"] == frame["created_msg_id"]]
        return "file", message["attached_file"]


class Divar:
    """An app, which is called."""

    def __init__(self, gateway, _stack):
        self.gateway = gateway
        self.headers = ["-H", f"X-API-Key: {gateway.api_key}", "-H", f"Authorization: Bearer {gateway.access_token}"]

    def post(self, body):
        url = f"{self.gateway.address}/v2/open-platform/conversations/conversation-101/messages"
        answer = post(url, body, *self.headers)
        assert answer.status == 200, answer

    def say(self, text):
        self.post({"message": text})

    def send(self, path):
        grant = post(f"{self.gateway.address}/experimental/open-platform/chat/upload", {}, *self.headers[:2]).json["token"]
        self.post({"message": "", "media_token": uploaded(self.gateway, "/upload/video", path, token=grant)["id"]})

    def hear(self, mark):
        while mark not in (call := RECEIVER.next()).body.decode():
            pass
        message = call.json["new_message"]
        assert message["conversation"]["id"] == "conversation-101"
        if message["type"] == "TEXT":
            return "text", message["text"]
        [data] = [value for key, value in message.items() if key.endswith("_data")]
        return "file", data["link"]


class Luxmart:
    """An administrator."""

    def __init__(self, gateway, stack):
        self.gateway = gateway
        self.token = gateway.token("luxmart", "2", role="admin", name="Eve")
        self.socket = stack.enter_context(socket(f"{gateway.socket}/v1/chat/ws/admin/?token={self.token}"))

    def say(self, text):
        self.socket.send({"type": "message", "payload": {"session_id": 7, "content": text}})

    def send(self, path):
        answer = uploaded(self.gateway, "/v1/chat/upload/", path, "-F", "session_id=7", token=self.token, scheme="Token")
        self.socket.send({"type": "message", "payload": {
            "session_id": 7, "content": "", "attachment_url": answer["url"], "attachment_type": answer["type"]}})

    def hear(self, mark):
        message = json.loads(self.socket.until(lambda frame: mark in json.dumps(frame)))["payload"]["message"]
        assert message["session_id"] == 7
        return ("file", message["attachment_url"]) if message["attachment_url"] else ("text", message["content"])


def uploaded(gateway, path, content, *arguments, field="file", **credential):
    answer = curl(gateway.address + path, *arguments, "-F", f"{field}=@{content}", **credential)
    assert answer.status in (200, 201), answer
    return answer.json


# What each sends, and who cannot carry it and is told in words with a link.
FILES = {
    Frontdesk: ("lobby-menu.pdf", set()),
    Andromedia: ("voice-note.mp3", {Divar, Luxmart}),
    Licomed: ("window-view.png", set()),
    Divar: ("flat-tour.mp4", {Luxmart}),
    Luxmart: ("shelf-photo.gif", {Divar}),
}


@pytest.fixture(scope="module", autouse=True)
def receiver():
    yield RECEIVER
    RECEIVER.close()


def test_everybody_hears_everybody(gateway, tmp_path):
    with contextlib.ExitStack() as stack:
        members = [dialect(gateway, stack) for dialect in FILES]
        for sender in members:
            # The app is told of its own messages by the answer of its call.
            listeners = [member for member in members if member is not sender or not isinstance(sender, Divar)]
            words = f"words of {type(sender).__name__}"
            sender.say(words)
            for listener in listeners:
                assert listener.hear(words) == ("text", words), (sender, listener)

            name, in_words = FILES[type(sender)]
            path = file(tmp_path, name)
            sender.send(path)
            for listener in listeners:
                kind, where = listener.hear(path.stem)
                assert kind == ("text" if type(listener) in in_words else "file"), (sender, listener, where)
                link = where.split()[-1]
                link = link if link.startswith("http") else gateway.address + link
                assert curl(link).body == path.read_bytes(), (sender, listener, link)
