"""luxmart by curl and Python's websockets: the upload's folders and errors, both sockets, and a session's whole life."""

import pytest

from curl import curl, post
from files import file
from form import INTEGER, SECONDS_Z, TEXT, like, matching, same
from sockets import refused, socket

STORE, ADMIN = 10, 2


@pytest.fixture
def store(gateway):
    return gateway.token("luxmart", str(STORE), role="store", name="Store")


@pytest.fixture
def admin(gateway):
    return gateway.token("luxmart", str(ADMIN), role="admin", name="Eve")


def upload(gateway, token, *fields, scheme="Token"):
    arguments = [part for field in fields for part in ("-F", field)]
    return curl(f"{gateway.address}/v1/chat/upload/", "-X", "POST", *arguments, token=token, scheme=scheme)


def call(gateway, path, token, body=None):
    url = f"{gateway.address}/v1/chat/{path}"
    return curl(url, token=token, scheme="Token") if body is None else post(url, body, token=token, scheme="Token")


def own_session(gateway, store):
    answer = call(gateway, "store/session/", store)
    assert answer.status == 200
    return answer.json


def message_frame(session, who, sender, content="", url="", kind=""):
    return {"type": "message", "payload": {"message": {
        "id": INTEGER, "session_id": session, "sender_type": who, "sender_id": sender, "content": content,
        "attachment_url": url, "attachment_type": kind, "is_read": False, "status": "sent", "created_at": SECONDS_Z,
        "created": SECONDS_Z, "updated": SECONDS_Z,
    }}}


def is_message(frame):
    return frame["type"] == "message"


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
def test_the_upload_of_the_document(gateway, store, tmp_path, scheme):
    session = own_session(gateway, store)["id"]
    image = file(tmp_path, "image.jpg")
    answer = upload(gateway, store, f"file=@{image}", f"session_id={session}", scheme=scheme)
    assert answer.status == 200
    uploaded = same(answer.body, {
        "url": matching(rf"http://[^/]+/.*chat/session-{session}/image-[0-9A-Za-z_-]+\.jpg"), "type": "image/jpeg",
    })
    assert curl(uploaded["url"]).body == image.read_bytes()


def test_the_session_of_an_upload_need_not_be_there(gateway, store, tmp_path):
    """The document's own example, on a gateway where nobody has talked yet."""
    answer = upload(gateway, store, f"file=@{file(tmp_path, 'image.jpg')}", "session_id=1")
    assert answer.status == 200
    assert "/chat/session-1/" in answer.json["url"]


def test_the_folders_of_the_document(gateway, store, admin, tmp_path):
    image = f"file=@{file(tmp_path, 'image.png')}"
    assert f"/chat/store-{STORE}/" in upload(gateway, store, image).json["url"]
    assert f"/chat/admin-{ADMIN}/" in upload(gateway, admin, image).json["url"]


@pytest.mark.parametrize("name, mime", [
    ("a.jpg", "image/jpeg"), ("a.jpeg", "image/jpeg"), ("a.png", "image/png"), ("a.gif", "image/gif"), ("a.pdf", "application/pdf"),
])
def test_the_type_comes_from_the_extension(gateway, store, tmp_path, name, mime):
    answer = upload(gateway, store, f"file=@{file(tmp_path, name)};type=application/x-nonsense")
    assert (answer.status, answer.json["type"]) == (200, mime)


def test_upload_errors(gateway, store, tmp_path):
    image = f"file=@{file(tmp_path, 'image.jpg')}"
    for answer, status, error in [
        (upload(gateway, store), 400, "file is required"),
        (upload(gateway, store, "session_id=1"), 400, "file is required"),
        (upload(gateway, store, f"file=@{file(tmp_path, 'a.zip')}"), 400, "Unsupported file type"),
        (upload(gateway, store, f"file=@{file(tmp_path, 'a.mp4')}"), 400, "Unsupported file type"),
        (upload(gateway, store, f"file=@{file(tmp_path, 'large.png', 10 * 1024 * 1024 + 1)}"), 413, "File too large"),
        (upload(gateway, store, image, "session_id=../../etc"), 400, "Invalid session_id"),
        (upload(gateway, None, image), 401, "Unauthorized"),
        (upload(gateway, "nonsense", image), 401, "Unauthorized"),
        (upload(gateway, gateway.expired(str(STORE), role="store"), image), 401, "Unauthorized"),
    ]:
        assert answer.status == status, answer
        same(answer.body, {"error": error})


def test_a_message_with_its_attachment_reaches_both_sides(gateway, store, admin, tmp_path):
    session = own_session(gateway, store)["id"]
    with socket(f"{gateway.socket}/v1/chat/ws/store/?token={store}") as shop, \
            socket(f"{gateway.socket}/v1/chat/ws/admin/?token={admin}") as support:
        shop.send({"type": "message", "payload": {"content": "Hello"}})
        expected = message_frame(session, "store", STORE, "Hello")
        frame = same(shop.until(is_message), expected)
        assert same(support.until(is_message), expected) == frame

        support.send({"type": "message", "payload": {"session_id": session, "content": "Hi"}})
        expected = message_frame(session, "admin", ADMIN, "Hi")
        same(support.until(is_message), expected)
        same(shop.until(is_message), expected)

        url = upload(gateway, store, f"file=@{file(tmp_path, 'image.jpg')}", f"session_id={session}").json["url"]
        shop.send({"type": "message", "payload": {"content": "look", "attachment_url": url, "attachment_type": "image/jpeg"}})
        expected = message_frame(session, "store", STORE, "look", url, "image/jpeg")
        same(shop.until(is_message), expected)
        same(support.until(is_message), expected)


def test_messages_by_call(gateway, store, admin):
    session = own_session(gateway, store)["id"]
    answer = call(gateway, "store/message/", store, {"content": "Hello"})
    assert answer.status == 200
    assert (answer.json["session"]["id"], answer.json["message"]["content"]) == (session, "Hello")
    answer = call(gateway, "admin/message/", admin, {"session_id": session, "content": "Hi"})
    assert (answer.status, answer.json["message"]["sender_type"]) == (200, "admin")
    for body, error in [({}, "Message content or attachment is required"), ({"content": ""}, "Message content or attachment is required")]:
        refusal = call(gateway, "store/message/", store, body)
        assert (refusal.status, refusal.json) == (400, {"error": error})
    shown = own_session(gateway, store)
    assert [message["content"] for message in shown["messages"]] == ["Hello", "Hi"]
    same(shown["messages"][0], {
        "id": INTEGER, "session_id": session, "sender_type": "store", "sender_id": STORE, "content": "Hello", "attachment_url": "",
        "attachment_type": "", "status": "sent", "created": SECONDS_Z, "updated": SECONDS_Z,
    })
    seen = call(gateway, f"admin/session/?session_id={session}", admin)
    assert [message["content"] for message in seen.json["messages"]] == ["Hello", "Hi"]


def test_the_life_of_a_session(gateway, store, admin):
    opened = own_session(gateway, store)
    session = opened["id"]
    assert (opened["store_id"], opened["admin_id"], opened["status"], opened["messages"]) == (STORE, None, "open", [])
    assert own_session(gateway, store)["id"] == session
    call(gateway, "store/message/", store, {"content": "Hello"})

    waiting = call(gateway, "admin/sessions/open/", admin)
    assert (waiting.status, waiting.json["count"]) == (200, 1)
    [listed] = waiting.json["data"]
    assert (listed["id"], listed["last_message"]["content"]) == (session, "Hello")

    claimed = call(gateway, "admin/session/claim/", admin, {"session_id": session})
    assert (claimed.status, claimed.json["status"], claimed.json["admin_id"]) == (200, "claimed", ADMIN)
    other = gateway.token("luxmart", "3", role="admin")
    again = call(gateway, "admin/session/claim/", other, {"session_id": session})
    assert (again.status, again.json) == (400, {"error": "Session already claimed or not found"})
    assert call(gateway, "admin/sessions/open/", admin).json["count"] == 0
    assert [item["id"] for item in call(gateway, "admin/sessions/my/", admin).json["data"]] == [session]

    assert call(gateway, "message/read/", admin, {"session_id": session}).json == {"status": "ok"}

    closed = call(gateway, "admin/close/", admin, {"session_id": session})
    assert (closed.status, closed.json["status"]) == (200, "closed")
    assert like(closed.json["closed_at"], SECONDS_Z)
    again = call(gateway, "admin/close/", admin, {"session_id": session})
    assert (again.status, again.json) == (400, {"error": "Session already closed"})
    late = call(gateway, "admin/message/", admin, {"session_id": session, "content": "late"})
    assert (late.status, late.json) == (400, {"error": "Session is closed"})
    assert own_session(gateway, store)["id"] != session


def test_errors_of_calls(gateway, store, admin):
    own_session(gateway, store)
    for answer, status, error in [
        (call(gateway, "admin/message/", admin, {"content": "x"}), 400, "session_id is required"),
        (call(gateway, "admin/message/", admin, {"session_id": "x", "content": "x"}), 400, "session_id must be integer"),
        (call(gateway, "admin/message/", admin, {"session_id": 4711, "content": "x"}), 404, "Session not found"),
        (call(gateway, "admin/session/", admin), 400, "session_id is required"),
        (call(gateway, "admin/session/?session_id=x", admin), 400, "session_id must be integer"),
        (call(gateway, "admin/close/", store, {"session_id": 1}), 403, "Forbidden"),
        (call(gateway, "store/session/", admin), 403, "Forbidden"),
        (call(gateway, "store/session/", None), 401, "Unauthorized"),
    ]:
        assert (answer.status, answer.json) == (status, {"error": error})


def test_frames_that_are_refused(gateway, store):
    own_session(gateway, store)
    with socket(f"{gateway.socket}/v1/chat/ws/store/?token={store}") as shop:
        for frame in ("{", {"type": "dance"}, {"type": "message"}, {"type": "message", "payload": {}}):
            shop.send(frame)
            same(shop.receive(), {"type": "error", "payload": {"message": TEXT}})
        shop.send({"type": "message", "payload": {"content": "still here"}})
        assert "still here" in shop.until(is_message)


def test_a_bad_token_is_refused_at_the_handshake(gateway, store):
    for path, token in [("store", ""), ("store", "nonsense"), ("admin", "nonsense"), ("admin", store),
                        ("store", gateway.expired(str(STORE), role="store"))]:
        response = refused(f"{gateway.socket}/v1/chat/ws/{path}/?token={token}")
        assert response.status_code == 401
        same(response.body, {"error": "Unauthorized"})
