"""The hotel's dashboard, as its chat store behaves, against `frontdesk@deployed` and `frontdesk@both`: login, list, history,
text and media acknowledged, a guest heard. What it does is in `javascript/dashboard.cjs`."""

import base64
import itertools
import json
import subprocess
import time
from pathlib import Path

import pytest

from curl import curl, post
from files import CONTENT
from gateway import Gateway
from sockets import refused, socket

SCRIPT = Path(__file__).parent / "javascript" / "dashboard.cjs"
# The dashboard gives up on an acknowledgment after 15 s; a test need not wait that long to see that none comes.
PATIENCE_MS = 5_000
SHORT_MS = 300
SECONDS = 10
VISITOR = "11111111-2222-4333-8444-555555555555"

CONVERSATIONS = """
[[conversations]]
name       = "room-101"
kind       = "department"
department = "Room Service"
frontdesk  = 7
andromedia = { business = "inn", external_customer_id = "gil" }
guest      = { name = "Gil Guest", room_number = "101", whatsapp_number = "+15550001111" }
"""


class Desk(Gateway):
    """The usual gateway, with `frontdesk` as a variant whose clients log in."""

    def __init__(self, binary, folder, variant):
        self.variant = variant
        self.tokens = {"ann": "invented-token-of-ann-1c5e", "ben": "invented-token-of-ben-77d0"}
        self.passwords = {name: f"invented-password-of-{name}" for name in self.tokens}
        super().__init__(binary, folder, conversations=CONVERSATIONS)
        self.issued += [*self.tokens.values(), *self.passwords.values()]

    def _configuration(self, *arguments):
        logins = ",\n".join(
            f"""  {{ token = "{self.tokens[name]}", party = "{name}", name = "{name.title()} Staff", role = "staff", department = ["Room Service"],
    login = {{ username = "{name}", password = "{self.passwords[name]}" }} }}"""
            for name in self.tokens
        )
        text = super()._configuration(*arguments)
        before, _, after = text.partition('dialect = "frontdesk"')
        route, _, rest = after.partition("[[routes]]")
        kept = "\n".join(line for line in route.splitlines() if not line.startswith("auth "))
        return f'{before}dialect = "{self.variant}"{kept}\nauth = {{ kind = "tokens", tokens = [\n{logins}\n] }}\n\n[[routes]]{rest}'


class Dashboard:
    """One browser tab, without the browser."""

    def __init__(self, address, patience=PATIENCE_MS):
        self.process = subprocess.Popen(
            ["node", str(SCRIPT), address, str(patience)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.names = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(SECONDS)

    def do(self, name, /, **rest):
        wanted = next(self.names)
        self.process.stdin.write(json.dumps({"do": name, "id": wanted, **rest}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer.pop("id") == wanted
        return answer

    def until(self, found):
        """What `found` gives of the state, once it gives something."""
        deadline = time.monotonic() + SECONDS
        while not (result := found(self.do("state"))):
            assert time.monotonic() < deadline, self.do("state")
            time.sleep(0.01)
        return result

    def frames(self, kind):
        return [frame for frame in self.do("state")["frames"] if frame["type"] == kind]


@pytest.fixture(params=["frontdesk@deployed", "frontdesk@both"])
def desk(request, tmp_path):
    with Desk(request.config.getoption("--binary"), tmp_path, request.param) as running:
        yield running
    running.must_not_have_logged_credentials()


@pytest.fixture
def ann(desk):
    with Dashboard(desk.address) as dashboard:
        user = dashboard.do("login", username="ann", password=desk.passwords["ann"])["user"]
        assert (user["username"], user["user_type"], user["department"]) == ("ann", "department_staff", ["Room Service"])
        dashboard.user = user
        [conversation] = dashboard.do("start")["conversations"]
        assert (conversation["id"], conversation["guest_info"]["full_name"], conversation["last_message"]) == (7, "Gil Guest", None)
        yield dashboard


def of_types(frames):
    return [frame["type"] for frame in frames]


def test_login_is_refused_in_words_that_it_shows(desk):
    with Dashboard(desk.address) as dashboard:
        answer = dashboard.do("login", username="ann", password="a wrong one")
        assert answer == {"failed": "No active account found with the given credentials", "status": 401}
        # Passwords can be tried ten times a minute, whoever tries.
        answers = [dashboard.do("login", username="ann", password=f"guess {number}")["status"] for number in range(12)]
        assert answers[0] == 401 and answers[-1] == 429
        assert dashboard.do("login", username="ben", password=desk.passwords["ben"])["user"]["username"] == "ben"
        assert dashboard.do("refresh") == {"token": desk.tokens["ben"]}


def test_handshakes_are_refused_with_403(desk):
    for query in ("", "?token=", "?token=not-a-token"):
        assert refused(f"{desk.socket}/ws/chat/{query}").status_code == 403
    with socket(f"{desk.socket}/ws/chat/", additional_headers={"Authorization": f"Bearer {desk.tokens['ann']}"}) as open_one:
        assert json.loads(open_one.receive())["data"]["type"] == "user_connected"


def test_a_text_is_acknowledged_first_and_heard_by_a_colleague(desk, ann):
    ann.do("select", conversation=7)
    ann.until(lambda state: {"subscribed", "marked_read"} <= {frame.get("status") for frame in state["frames"]})
    with Dashboard(desk.address) as ben:
        ben.do("login", username="ben", password=desk.passwords["ben"])
        ben.do("start")
        before = len(ann.do("state")["frames"])
        said = ann.do("say", text="Good evening")["message"]
        assert said["time_ago"] == "sent" and said["id"] > 0
        frames = ann.until(lambda state: len(state["frames"]) >= before + 3 and state["frames"])
        presence = [frame for frame in frames if frame["type"] == "user_status" and frame["data"]["user_name"] == "Ben Staff"]
        assert [frame["data"]["type"] for frame in presence] == ["user_connected"]
        told = [frame for frame in frames if frame["type"] not in ("user_status", "acknowledgment") or frame.get("status") == "received"]
        extra = ["chat_message"] if desk.variant.endswith("both") else []
        assert of_types(told) == ["acknowledgment", "message", "conversation_update"] + extra
        [acknowledgment, message, update] = told[:3]
        assert acknowledgment["message_id"] == message["data"]["id"] == said["id"]
        assert acknowledgment["conversation_id"] == message["data"]["conversation_id"] == 7
        assert message["data"]["guest_info"] == {"id": None, "name": "Gil", "whatsapp_number": "+15550001111", "room_number": "101"}
        assert (message["data"]["sender_id"], message["data"]["sender_name"]) == (ann.user["id"], "Ann Staff")
        assert message["data"]["department_name"] == "room_service"
        assert update["data"]["data"]["last_message_preview"] == "Good evening"
        heard = ben.until(lambda state: [frame for frame in state["frames"] if frame["type"] == "message"])
        assert heard == [message]
        assert "received" not in {frame["status"] for frame in ben.frames("acknowledgment")}, "it is its sender's alone"
    gone = ann.until(lambda state: [f for f in state["frames"] if f["type"] == "user_status" and f["data"]["type"] == "user_disconnected"])
    assert gone[0]["data"]["user_name"] == "Ben Staff"


@pytest.mark.parametrize("name, declared, kind", [
    ("lobby.png", "image/png", "image"), ("menu.pdf", "application/pdf", "document"), ("tour.mp4", "video/mp4", "video"),
    ("note.mp3", "audio/mpeg", "audio"),
])
def test_media_is_uploaded_and_acknowledged(desk, ann, name, declared, kind):
    ann.do("select", conversation=7)
    content = CONTENT[name.rsplit(".", 1)[-1]]
    sent = ann.do("send", name=name, type=declared, content=base64.b64encode(content).decode(), caption="Look")
    assert (sent["status"], sent["message"]["time_ago"]) == (201, "sent"), sent
    assert sent["uploaded"]["file_info"] == {"original_name": name, "size": len(content), "content_type": declared}
    assert curl(sent["uploaded"]["file_url"]).body == content
    [message] = ann.until(lambda state: [frame["data"] for frame in state["frames"] if frame["type"] == "message"])
    assert (message["message_type"], message["media_url"]) == (kind, sent["uploaded"]["file_url"])
    # The deployed answer has no caption, so that the dashboard sends none on.
    assert message["content"] == ("Look" if desk.variant.endswith("both") else name)
    [update] = ann.until(lambda state: [frame["data"] for frame in state["frames"] if frame["type"] == "conversation_update"])
    assert update["data"]["last_message_preview"] == f"[{kind.upper()}] {name}"


def test_a_guest_is_heard_and_in_the_history(desk, ann):
    ann.do("select", conversation=7)
    ann.do("say", text="How can we help?")
    token = desk.token("andromedia", VISITOR, role="visitor", business="inn")
    opened = post(f"{desk.address}/chat/start-session/", {"business": "inn", "external_customer_id": "gil"}, token=token)
    with socket(f"{desk.socket}/ws/visitor-chat/?session_id={opened.json['data']['session_id']}", subprotocols=["Bearer", token]) as visitor:
        visitor.receive()
        visitor.send({"type": "text", "content": "A towel, please"})
        [guest] = ann.until(lambda state: [message for message in state["messages"] if message["sender_type"] == "guest"])
        assert (guest["conversation"], guest["content"]) == (7, "A towel, please")
        ann.do("say", text="At once")
        assert json.loads(visitor.until(lambda frame: frame.get("content") == "At once"))["type"] == "text"
    messages = ann.do("select", conversation=7)["messages"]
    assert [message["content"] for message in messages] == ["How can we help?", "A towel, please", "At once"]
    assert [message["id"] for message in messages] == sorted(message["id"] for message in messages)
    ann.until(lambda state: [known for known in state["conversations"] if known["unread_count"] == 0])


def test_its_other_calls(desk, ann):
    ask = {"guest_whatsapp_number": "+15550002222", "department_type": "Room Service"}
    created = ann.do("call", method="POST", path="/chat/conversations/create/", body=ask)
    assert (created["status"], created["body"]["department"]) == (201, "Room Service")
    new = created["body"]["conversation_id"]
    [told] = ann.until(lambda state: [frame["data"] for frame in state["frames"] if frame["type"] == "new_conversation"])
    assert (told["id"], told["conversation_type"], told["status"]) == (new, "service", "active")
    again = ann.do("call", method="POST", path="/chat/conversations/create/", body=ask)
    assert again["status"] == 409
    assert ann.do("call", method="POST", path="/chat/conversations/create/", body={}) == {
        "failed": "guest_whatsapp_number is required", "status": 400}
    read = ann.do("call", method="POST", path="/chat/messages/mark-read/", body={"conversation_id": new, "message_ids": [1, 2]})
    assert (read["status"], read["body"]["conversation_id"]) == (200, new)
    with_slash = ann.do("call", method="GET", path=f"/chat/conversations/{new}/")
    assert with_slash["body"] == ann.do("call", method="GET", path=f"/chat/conversations/{new}")["body"]
    closed = ann.do("call", method="POST", path="/chat/conversations/close/", body={"conversation_id": new})
    assert closed["body"] == {"message": "Conversation closed successfully", "conversation_id": new, "status": "closed"}
    ann.do("tell", frame={"type": "close_conversation", "conversation_id": 7})
    ann.until(lambda state: [known for known in state["conversations"] if known["id"] == 7 and known["status"] == "closed"])
    # What was closed is free again: the guest gets another conversation.
    assert ann.do("call", method="POST", path="/chat/conversations/create/", body=ask)["body"]["conversation_id"] != new


def test_as_documented_nothing_acknowledges(gateway):
    """Why the variant is there: against the document's own profile the dashboard says that each message failed."""
    token = gateway.token("frontdesk", "ann", role="staff", name="Ann Staff", department="Room Service")
    with Dashboard(gateway.address, SHORT_MS) as dashboard:
        assert dashboard.do("login", username="ann", password="whatever")["status"] == 501, "nobody logs in on this route"
        dashboard.do("token", token=token)
        dashboard.do("start")
        dashboard.do("select", conversation=7)
        assert dashboard.do("say", text="hello")["message"]["time_ago"] == "failed to send"
        assert of_types(dashboard.do("state")["frames"]) == ["chat_message"], "it was taken all the same"
