"""licomed by Python's websockets with `?token=` and curl: conf and re frames, a file by chat_id, history, threads, files."""

import contextlib
import json

import pytest

from curl import curl
from files import file
from form import ANY, INTEGER, MICROSECONDS_OFFSET, MICROSECONDS_Z, TEXT, matching, same
from sockets import refused, socket

ALICE = "302e305b-6e73-4f9c-bac7-551a92b106b0"
BOB = "75140d72-8b20-4549-885c-20599badb486"
CAROL = "96bf0d3f-720d-4620-8dee-0f59f997cb51"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def alice(gateway):
    return gateway.token("licomed", ALICE, role="user", name="Alice Example")


@pytest.fixture
def bob(gateway):
    return gateway.token("licomed", BOB, role="user", name="Bob Example")


@contextlib.contextmanager
def inboxes(gateway, *tokens):
    """A socket for each token, open at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket(f"{gateway.socket}/ws/chat/room/?token={token}")) for token in tokens]


def text_frame(action, text="hello there"):
    return {
        "sender_id": ALICE, "receiver_id": BOB, "message": text, "timestamp": MICROSECONDS_OFFSET,
        "created_msg_id": INTEGER, "message_type": "text", "action": action,
    }


def file_frame(action, body, name, size, chat_id):
    return {
        "message_body": body, "attached_file_name": name, "attached_file_size": size, "sender_id": ALICE, "receiver_id": BOB,
        "timestamp": MICROSECONDS_OFFSET, "created_msg_id": chat_id, "action": action, "message_type": "file",
    }


def attach(gateway, token, path, *fields):
    arguments = [part for field in fields for part in ("-F", field)]
    return curl(f"{gateway.address}/chat/attachment/", "-F", f"attached_file=@{path}", *arguments, token=token)


def test_a_text_reaches_every_socket_of_both(gateway, alice, bob):
    with inboxes(gateway, alice, alice, bob, bob) as (sender, twin, receiver, second):
        sender.send({"action": "text_message", "message_body": "hello there", "receiver_id": BOB})
        confirmed = same(sender.receive(), text_frame("conf_message"))
        assert same(twin.receive(), text_frame("conf_message")) == confirmed
        delivered = confirmed | {"action": "re_message"}
        assert same(receiver.receive(), text_frame("re_message")) == delivered
        assert same(second.receive(), text_frame("re_message")) == delivered


def test_two_equal_texts_get_two_confirmations(gateway, alice, bob):
    with inboxes(gateway, alice, bob) as (sender, receiver):
        for _ in range(2):
            sender.send({"action": "text_message", "message_body": "again", "receiver_id": BOB})
        ids = [same(sender.receive(), text_frame("conf_message", "again"))["created_msg_id"] for _ in range(2)]
        assert ids[0] < ids[1]
        assert ids == [same(receiver.receive(), text_frame("re_message", "again"))["created_msg_id"] for _ in range(2)]


def test_a_file_is_uploaded_then_announced_by_its_chat_id(gateway, alice, bob, tmp_path):
    shot = file(tmp_path, "Screenshot 2025-03-14 100311.png", 88_814)
    with inboxes(gateway, alice, bob) as (sender, receiver):
        answer = attach(gateway, alice, shot, f"receiver={BOB}", "message=this is the file")
        assert answer.status == 201
        created = same(answer.body, {
            "status": "success",
            "entity": {"message": {
                "id": INTEGER,
                "sender": {"id": ALICE, "email": ANY, "profile": None},
                "receiver": {"id": BOB, "email": ANY, "profile": None},
                "attached_file_size": "86.73KB",
                "message": "this is the file",
                "updated": MICROSECONDS_Z, "created": MICROSECONDS_Z, "seen": False, "deleted": False,
                "attached_file": matching(r"(http://[^/]+)?/media/chat-files/.+"),
                "attached_file_name": "Screenshot 2025-03-14 100311.png",
                "thread": INTEGER,
            }},
            "message": "File uploaded and chat created successfully",
            "success": True,
        })
        chat_id = created["entity"]["message"]["id"]

        # The upload already made the message: history has it before any frame.
        assert [message["id"] for message in messages(gateway, bob, ALICE)] == [chat_id]

        sender.send({"action": "file_message", "chat_id": chat_id})
        form = ("this is the file", shot.name, "86.73KB", chat_id)
        confirmed = same(sender.receive(), file_frame("conf_message", *form))
        assert same(receiver.receive(), file_frame("re_message", *form)) == confirmed | {"action": "re_message"}

        # A repeat, as a digit string, confirms again and delivers nothing: the next frame bob sees is the text.
        sender.send({"action": "file_message", "chat_id": str(chat_id)})
        same(sender.receive(), file_frame("conf_message", *form))
        sender.send({"action": "text_message", "message_body": "after", "receiver_id": BOB})
        same(sender.receive(), text_frame("conf_message", "after"))
        same(receiver.receive(), text_frame("re_message", "after"))


def test_a_profile_is_sent_by_its_id(gateway, alice, bob):
    with inboxes(gateway, alice, bob) as (sender, receiver):
        sender.send({"attached_profile_id": BOB, "receiver_id": BOB, "action": "user_profile_message"})
        form = {
            "sender_id": ALICE, "receiver_id": BOB, "message": None, "timestamp": MICROSECONDS_OFFSET, "created_msg_id": INTEGER,
            "attached_profile": {"id": BOB, "fullname": "Bob Example", "phone_number": ANY}, "message_type": "user_profile",
        }
        confirmed = same(sender.receive(), form | {"action": "conf_message"})
        assert same(receiver.receive(), form | {"action": "re_message"}) == confirmed | {"action": "re_message"}


def test_history_threads_and_files(gateway, alice, bob, tmp_path):
    with inboxes(gateway, alice, bob) as (sender, receiver):
        sender.send({"action": "text_message", "message_body": "first", "receiver_id": BOB})
        first = json.loads(sender.receive())["created_msg_id"]
        receiver.receive()
        uploaded = attach(gateway, alice, file(tmp_path, "plan.pdf"), f"receiver={BOB}", "attached_file_name=The plan.pdf")
        plan = uploaded.json["entity"]["message"]
        receiver.send({"action": "text_message", "message_body": "last", "receiver_id": ALICE})
        last = json.loads(receiver.receive())["created_msg_id"]

    # Both sides see the same, newest first as in the document.
    for token, peer in ((alice, BOB), (bob, ALICE)):
        assert [message["id"] for message in messages(gateway, token, peer)] == [last, plan["id"], first]
    newest, _, oldest = messages(gateway, alice, BOB)
    assert (newest["message"], newest["message_type"], newest["sender"]["id"]) == ("last", "text", BOB)
    assert (oldest["attached_file"], oldest["attached_file_name"], oldest["attached_file_size"]) == (None, None, "0kb")

    threads = curl(f"{gateway.address}/chat/user/threads/", token=alice)
    assert (threads.status, len(threads.json["data"])) == (200, 1)
    [thread] = threads.json["data"]
    assert (thread["id"], thread["other_user"]["id"], thread["last_message"]["id"]) == (plan["thread"], BOB, last)

    files = curl(f"{gateway.address}/chat/thread/files/{thread['id']}/", token=bob)
    assert (files.status, files.json["message"], files.json["success"]) == (200, "Files retrieved successfully", True)
    [listed] = files.json["data"]["files"]
    assert (listed["id"], listed["message_type"], listed["attached_file_name"]) == (plan["id"], "file", "The plan.pdf")

    for answer in (threads, files, curl(f"{gateway.address}/chat/messages/{BOB}/", token=alice)):
        assert b"password" not in answer.body

    carol = gateway.token("licomed", CAROL, role="user", name="Carol Example")
    assert curl(f"{gateway.address}/chat/thread/files/{thread['id']}/", token=carol).status == 404


def test_an_attached_file_is_served_whole(gateway, alice, bob, tmp_path):
    path = file(tmp_path, "plan.pdf")
    with inboxes(gateway, bob):
        location = attach(gateway, alice, path, f"receiver={BOB}").json["entity"]["message"]["attached_file"]
    url = location if location.startswith("http") else gateway.address + location
    assert curl(url).body == path.read_bytes()


def test_upload_errors(gateway, alice, bob, tmp_path):
    path = file(tmp_path, "plan.pdf")
    with inboxes(gateway, bob):
        refusals = [
            (400, attach(gateway, alice, path)),
            (400, curl(f"{gateway.address}/chat/attachment/", "-F", f"receiver={BOB}", token=alice)),
            (404, attach(gateway, alice, path, f"receiver={NOBODY}")),
            (401, attach(gateway, "nonsense", path, f"receiver={BOB}")),
        ]
    for status, answer in refusals:
        assert answer.status == status
        same(answer.body, {"status": "failure", "entity": None, "message": TEXT, "success": False})
    assert refusals[2][1].json["message"] == "Invalid receipient"


def test_history_of_an_unknown_user(gateway, alice):
    for peer in (NOBODY, "not-a-uuid"):
        answer = curl(f"{gateway.address}/chat/messages/{peer}/", token=alice)
        assert answer.status == 404
        same(answer.body, {"status": "failure", "entity": None, "message": "Invalid receipient", "success": False})


def test_a_bad_token_is_refused_at_the_handshake(gateway):
    for query in ("", "?token=nonsense", f"?token={gateway.expired(ALICE)}", f"?token={gateway.forged(ALICE, secret='another')}"):
        assert refused(f"{gateway.socket}/ws/chat/room/{query}").status_code == 403


@pytest.mark.parametrize("frame", [
    "{", {"action": "dance"}, {"action": "text_message", "message_body": "to myself", "receiver_id": ALICE},
    {"action": "text_message", "message_body": "to nobody", "receiver_id": NOBODY}, {"action": "file_message", "chat_id": 4711},
    {"action": "user_profile_message", "receiver_id": BOB, "attached_profile_id": NOBODY},
])
def test_a_bad_frame_gets_an_error_and_the_socket_stays_open(gateway, alice, bob, frame):
    with inboxes(gateway, alice, bob) as (sender, receiver):
        sender.send(frame)
        same(sender.receive(), {"action": "error", "message": TEXT})
        sender.send({"action": "text_message", "message_body": "hello there", "receiver_id": BOB})
        same(sender.receive(), text_frame("conf_message"))
        same(receiver.receive(), text_frame("re_message"))


def test_only_the_uploader_may_announce(gateway, alice, bob, tmp_path):
    with inboxes(gateway, alice, bob) as (sender, receiver):
        chat_id = attach(gateway, alice, file(tmp_path, "plan.pdf"), f"receiver={BOB}").json["entity"]["message"]["id"]
        receiver.send({"action": "file_message", "chat_id": chat_id})
        same(receiver.receive(), {"action": "error", "message": TEXT})
        sender.send({"action": "file_message", "chat_id": chat_id})
        assert json.loads(sender.receive())["created_msg_id"] == chat_id


def messages(gateway, token, peer):
    answer = curl(f"{gateway.address}/chat/messages/{peer}/", token=token)
    assert (answer.status, answer.json["status"], answer.json["success"]) == (200, "success", True)
    return answer.json["data"]["messages"]


def test_older_clients_are_understood_and_answered_as_documented(gateway, alice, bob, tmp_path):
    shot = file(tmp_path, "shot.png", 88_814)
    with inboxes(gateway, alice, bob) as (sender, receiver):
        sender.send({"action": "chat_message", "message_body": "older", "receiver_id": BOB})
        same(sender.receive(), text_frame("conf_message", "older"))
        same(receiver.receive(), text_frame("re_message", "older"))
        answer = curl(f"{gateway.address}/chat/chat-attachment/", "-F", f"attached_file=@{shot}", "-F", f"receiver={BOB}", token=alice)
        chat_id = answer.json["entity"]["message"]["id"]
        sender.send({"action": "chat_message_file", "chat_id": str(chat_id)})
        form = ("", shot.name, "86.73KB", chat_id)
        same(sender.receive(), file_frame("conf_message", *form))
        same(receiver.receive(), file_frame("re_message", *form))

        # What was seen is told to nobody here, whose document has no frame for it; the next frame is the text.
        receiver.send({"action": "msg_seen", "msg_id": chat_id, "sender_id": ALICE})
        receiver.send({"action": "text_message", "message_body": "seen", "receiver_id": ALICE})
        confirmed, delivered = receiver.receive(), sender.receive()
        assert (json.loads(confirmed)["action"], json.loads(delivered)["action"]) == ("conf_message", "re_message")
        receiver.send({"action": "msg_seen", "msg_id": chat_id})
        same(receiver.receive(), {"action": "error", "message": "sender_id is required"})
