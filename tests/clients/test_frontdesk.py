"""frontdesk by `curl -F` and Python's websockets: the document's own example, then every error it gives."""

import pytest

from curl import curl
from files import file
from form import INTEGER, SECONDS_Z, matching, same
from sockets import refused, socket

CONVERSATIONS = """
[[conversations]]
name       = "room-101"
frontdesk  = 123
kind       = "service"
department = "reception"
guest      = { name = "Guest Name", room_number = "101" }
"""

TEN_MEBIBYTES = 10 * 1024 * 1024


@pytest.fixture
def john(gateway):
    return gateway.token("frontdesk", "staff-1", role="staff", name="John Doe", department="reception")


@pytest.fixture
def jane(gateway):
    return gateway.token("frontdesk", "staff-2", role="staff", name="Jane Roe", department="reception")


def upload(gateway, token, *fields):
    arguments = [part for field in fields for part in ("-F", field)]
    return curl(f"{gateway.address}/api/chat/upload-media/", "-X", "POST", *arguments, token=token)


def inbox(gateway, token):
    return socket(f"{gateway.socket}/ws/chat/?token={token}")


def chat_message(**message):
    """What the document shows, with the given members in place."""
    shown = {
        "id": INTEGER, "conversation_id": 123, "sender_type": "staff", "sender_name": "John Doe", "message_type": "text",
        "content": "", "media_url": None, "media_filename": None, "created_at": SECONDS_Z,
        "guest_info": {"name": "Guest Name", "room_number": "101"},
    }
    return {"type": "chat_message", "message": shown | message}


def test_the_complete_flow_of_the_document(gateway, john, jane, tmp_path):
    menu = file(tmp_path, "menu.pdf")
    answer = upload(gateway, john, "conversation_id=123", "caption=Hotel menu", f"file=@{menu}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    uploaded = same(answer.body, {
        "success": True,
        "file_url": matching(r"http://[^/]+/media/chat/\d{4}/\d\d/\d\d/.+/menu\.pdf"),
        "filename": "menu.pdf",
        "file_type": "document",
        "file_size": menu.stat().st_size,
        "caption": "Hotel menu",
        "conversation_id": 123,
    })
    served = curl(uploaded["file_url"])
    assert (served.status, served.body) == (200, menu.read_bytes())
    assert served.headers["x-content-type-options"] == "nosniff"

    with inbox(gateway, john) as sender, inbox(gateway, jane) as colleague:
        sender.send({
            "type": "media", "conversation_id": 123, "file_url": uploaded["file_url"], "filename": "menu.pdf",
            "file_type": "document", "caption": "Hotel menu",
        })
        expected = chat_message(
            message_type="document", content="Hotel menu", media_url=uploaded["file_url"], media_filename="menu.pdf",
        )
        first = same(sender.receive(), expected)
        assert same(colleague.receive(), expected) == first


def test_text_reaches_the_department_in_order_with_rising_ids(gateway, john, jane):
    with inbox(gateway, john) as sender, inbox(gateway, jane) as colleague:
        for text in ("hello", "hello", "سلام \"quoted\" 🙂"):
            sender.send({"type": "text", "conversation_id": 123, "content": text})
        # A frame without `type` is text.
        sender.send({"conversation_id": 123, "content": "untyped"})
        seen = []
        for text in ("hello", "hello", "سلام \"quoted\" 🙂", "untyped"):
            frame = same(sender.receive(), chat_message(content=text))
            assert same(colleague.receive(), chat_message(content=text)) == frame
            seen.append(frame["message"]["id"])
        assert seen == sorted(set(seen))


def test_an_upload_without_caption_gives_an_empty_one(gateway, john, tmp_path):
    answer = upload(gateway, john, "conversation_id=123", f"file=@{file(tmp_path, 'photo.png')}")
    assert (answer.status, answer.json["caption"], answer.json["file_type"]) == (200, "", "image")


@pytest.mark.parametrize("name, kind", [
    ("a.jpg", "image"), ("a.jpeg", "image"), ("a.png", "image"), ("a.gif", "image"), ("a.pdf", "document"), ("a.txt", "document"),
    ("a.mp4", "video"), ("a.mp3", "audio"),
])
def test_the_documented_types(gateway, john, tmp_path, name, kind):
    answer = upload(gateway, john, "conversation_id=123", f"file=@{file(tmp_path, name)}")
    assert (answer.status, answer.json["file_type"], answer.json["filename"]) == (200, kind, name)


def test_upload_errors(gateway, john, tmp_path):
    menu = f"file=@{file(tmp_path, 'menu.pdf')}"
    large = f"file=@{file(tmp_path, 'large.pdf', TEN_MEBIBYTES + 1)}"
    packed = f"file=@{file(tmp_path, 'packed.zip')};type=application/zip"
    housekeeping = gateway.token("frontdesk", "staff-3", role="staff", department="housekeeping")
    guest = gateway.token("frontdesk", "guest-1", role="guest")
    refusals = [
        # who, fields, status, error
        (john, [menu], 400, "conversation_id is required"),
        (john, [], 400, "conversation_id is required"),
        (john, ["conversation_id=123"], 400, "file is required"),
        (john, ["conversation_id=123", "file=not a file"], 400, "file is required"),
        (john, ["conversation_id=123", large], 400, "File size exceeds 10MB limit"),
        (john, ["conversation_id=123", packed], 400, "File type is not supported"),
        (john, ["conversation_id=999", menu], 404, "Conversation not found"),
        (housekeeping, ["conversation_id=123", menu], 403, "Access denied to this conversation"),
        (guest, ["conversation_id=123", menu], 403, "Only department staff can upload files"),
    ]
    for who, fields, status, error in refusals:
        answer = upload(gateway, who, *fields)
        assert (answer.status, answer.json.get("error")) == (status, error), fields
        if status == 400 and error.startswith("File "):
            assert (answer.json["success"], answer.json["message"]) == (False, error)


def test_exactly_ten_megabytes_is_allowed(gateway, john, tmp_path):
    answer = upload(gateway, john, "conversation_id=123", f"file=@{file(tmp_path, 'full.pdf', TEN_MEBIBYTES)}")
    assert (answer.status, answer.json["file_size"]) == (200, TEN_MEBIBYTES)


def test_upload_credentials(gateway, john, tmp_path):
    fields = ["conversation_id=123", f"file=@{file(tmp_path, 'menu.pdf')}"]
    answer = upload(gateway, None, *fields)
    assert answer.status == 401
    unauthorised(answer, "Authentication credentials were not provided.")
    for bad in ("nonsense", gateway.forged("staff-1", secret="another", role="staff"), gateway.expired("staff-1", role="staff")):
        answer = upload(gateway, bad, *fields)
        assert answer.status == 401
        unauthorised(answer, "Invalid authentication credentials.")


def unauthorised(answer, text):
    # Both generations of clients find the words.
    same(answer.body, {"error": text, "success": False, "message": text})


def test_a_bad_token_is_refused_at_the_handshake(gateway):
    for query in ("", "?token=", "?token=nonsense", f"?token={gateway.expired('staff-1', role='staff')}"):
        assert refused(f"{gateway.socket}/ws/chat/{query}").status_code == 403


@pytest.mark.parametrize("frame, error", [
    ({"type": "text", "conversation_id": 123, "content": "  "}, "Message content cannot be empty"),
    ({"type": "text", "content": "hello"}, "Conversation ID is required"),
    ({"type": "text", "conversation_id": 999, "content": "hello"}, "Conversation not found"),
    ({"type": "dance", "conversation_id": 123}, "Invalid message type"),
    ("{", "Invalid JSON format"),
    ({"type": "media"}, "Conversation ID is required for media messages"),
    ({"type": "media", "conversation_id": 123}, "File URL is required for media messages"),
    ({"type": "media", "conversation_id": 123, "file_url": "http://127.0.0.1/x.pdf"}, "Filename is required for media messages"),
    ({"type": "media", "conversation_id": 123, "file_url": "http://127.0.0.1/x.pdf", "filename": "x.pdf"},
     "File type is required for media messages"),
    ({"type": "media", "conversation_id": 123, "file_url": "http://127.0.0.1/x.pdf", "filename": "x.pdf", "file_type": "smell"},
     "Invalid file type. Must be one of: ['image', 'document', 'video', 'audio']"),
])
def test_a_bad_frame_gets_its_error_and_the_socket_stays_open(gateway, john, frame, error):
    with inbox(gateway, john) as staff:
        staff.send(frame)
        same(staff.receive(), {"type": "error", "message": error})
        staff.send({"type": "text", "conversation_id": 123, "content": "still here"})
        same(staff.receive(), chat_message(content="still here"))
