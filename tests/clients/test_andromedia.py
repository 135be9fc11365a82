"""andromedia by curl, Node's ws and a page in Chromium: sessions, uploads, the socket's subprotocol and close codes."""

import uuid

import pytest

from curl import curl, post
from files import file
from form import MILLISECONDS_Z, TEXT, UUID, matching, same
from javascript_peer import Peer

VISITOR = "11111111-2222-4333-8444-555555555555"
AGENT = "66666666-7777-4888-9999-aaaaaaaaaaaa"
BUSINESS = "hotel"


@pytest.fixture(scope="module", params=["node.cjs", "browser.cjs"], ids=["ws", "chromium"])
def process(request):
    running = Peer(request.param)
    yield running
    running.stop()


@pytest.fixture
def peer(process, gateway):
    # Any page of the gateway will do: what counts is its origin, and same host is the default policy.
    process.visit(f"{gateway.address}/chat/history/none/")
    return process


@pytest.fixture
def agent(gateway):
    return gateway.token("andromedia", AGENT, role="agent", name="Ann Agent", business=BUSINESS)


@pytest.fixture
def visitor(gateway):
    return gateway.token("andromedia", VISITOR, role="visitor", business=BUSINESS)


def start(gateway, token=None, **fields):
    return post(f"{gateway.address}/chat/start-session/", {"business": BUSINESS} | fields, token=token)


def session_of(answer):
    assert answer.status == 200
    return same(answer.body, {
        "message": "Chat session started successfully", "data": {"session_id": UUID, "active": True},
    })["data"]["session_id"]


def end(gateway, token, session):
    return post(f"{gateway.address}/chat/end-session/", {"session_id": session}, token=token)


def upload(gateway, token, path, *fields):
    arguments = [part for field in fields for part in ("-F", field)]
    return curl(f"{gateway.address}/chat/upload-file/", "-F", f"file=@{path}", *arguments, token=token)


def join(peer, gateway, session, token):
    joined = peer.open(f"{gateway.socket}/ws/visitor-chat/?session_id={session}", ["Bearer", token])
    assert joined.opened() == "Bearer"
    same(joined.receive(), {"type": "connection_established", "session_id": session})
    return joined


def text_frame(text, sender=VISITOR):
    return {"type": "text", "content": text, "sender_id": sender, "timestamp": MILLISECONDS_Z}


def file_frame(url, name, audio):
    return {"type": "file", "file": url, "file_name": name, "is_audio": audio, "sender_id": VISITOR, "timestamp": MILLISECONDS_Z}


def test_one_active_session_per_customer(gateway):
    first = start(gateway, external_customer_id="customer-1")
    session = session_of(first)
    assert first.headers["x-visitor-token"].count(".") == 2
    assert session_of(start(gateway, external_customer_id="customer-1")) == session
    assert session_of(start(gateway, external_customer_id="customer-2")) != session


def test_one_active_session_per_visitor(gateway, visitor):
    session = session_of(start(gateway, token=visitor))
    assert session_of(start(gateway, token=visitor, department="sales")) == session


def test_text_goes_to_the_group(gateway, peer, visitor, agent):
    session = session_of(start(gateway, token=visitor))
    guest, helper = join(peer, gateway, session, visitor), join(peer, gateway, session, agent)
    for text in ("Hello, I need help!", "سلام 🙂"):
        guest.send({"type": "text", "content": text})
        frame = same(guest.receive(), text_frame(text))
        assert same(helper.receive(), text_frame(text)) == frame
    helper.send({"type": "text", "content": "How can I help?"})
    same(guest.receive(), text_frame("How can I help?", sender=AGENT))
    same(helper.receive(), text_frame("How can I help?", sender=AGENT))


def test_a_visitor_without_account_uses_the_token_of_the_session(gateway, peer):
    answer = start(gateway, external_customer_id="customer-1")
    guest = join(peer, gateway, session_of(answer), answer.headers["x-visitor-token"])
    guest.send({"type": "text", "content": "hello"})
    same(guest.receive(), text_frame("hello", sender=UUID))


def test_a_file_is_uploaded_then_its_url_sent(gateway, peer, visitor, agent, tmp_path):
    session = session_of(start(gateway, token=visitor))
    guest, helper = join(peer, gateway, session, visitor), join(peer, gateway, session, agent)
    for name, audio in (("example.pdf", False), ("note.mp3", True)):
        path = file(tmp_path, name)
        answer = upload(gateway, visitor, path, "message=null", f"uploaded_by_end_user={VISITOR}")
        assert answer.status == 200
        uploaded = same(answer.body, {
            "message": "File uploaded successfully",
            "data": {"file": matching(r"http://[^/]+/media/chat_attachments/.+"), "file_name": name},
        })["data"]
        assert curl(uploaded["file"]).body == path.read_bytes()
        guest.send({"type": "file", "file": uploaded["file"], "is_audio": audio})
        frame = same(guest.receive(), file_frame(uploaded["file"], name, audio))
        assert same(helper.receive(), file_frame(uploaded["file"], name, audio)) == frame


def test_history_has_messages_and_attachments_oldest_first(gateway, peer, visitor, agent, tmp_path):
    session = session_of(start(gateway, token=visitor))
    guest = join(peer, gateway, session, visitor)
    guest.send({"type": "text", "content": "Hello"})
    guest.receive()
    url = upload(gateway, visitor, file(tmp_path, "example.pdf")).json["data"]["file"]
    guest.send({"type": "file", "file": url, "is_audio": False})
    guest.receive()
    for token in (visitor, agent):
        answer = curl(f"{gateway.address}/chat/history/{session}/", token=token)
        assert (answer.status, answer.json["message"]) == (200, "Chat timeline fetched successfully")
        message, attachment = answer.json["data"]
        assert (message["type"], message["data"]["content"], message["data"]["sender_id"]) == ("message", "Hello", VISITOR)
        assert message["data"]["sender_type"] == "end_user"
        assert (attachment["type"], attachment["data"]["file"], attachment["data"]["file_name"]) == ("attachment", url, "example.pdf")
    stranger = gateway.token("andromedia", str(uuid.uuid4()), role="visitor", business=BUSINESS)
    assert curl(f"{gateway.address}/chat/history/{session}/", token=stranger).status == 403
    assert curl(f"{gateway.address}/chat/history/{uuid.uuid4()}/", token=agent).status == 404


@pytest.mark.parametrize("query, code", [("", 4001), ("?session_id=", 4001), ("?session_id=nonsense", 4002),
                                         (f"?session_id={uuid.uuid4()}", 4002)])
def test_the_client_sees_why_a_session_is_refused(gateway, peer, visitor, query, code):
    refused = peer.open(f"{gateway.socket}/ws/visitor-chat/{query}", ["Bearer", visitor])
    assert refused.opened() == "Bearer"
    assert refused.closed() == code


def test_the_client_sees_that_a_token_is_refused(gateway, peer, visitor):
    session = session_of(start(gateway, token=visitor))
    stranger = gateway.token("andromedia", str(uuid.uuid4()), role="visitor", business=BUSINESS)
    for bad in ("nonsense", gateway.expired(VISITOR), gateway.forged(VISITOR, secret="another"), stranger):
        refused = peer.open(f"{gateway.socket}/ws/visitor-chat/?session_id={session}", ["Bearer", bad])
        assert refused.opened() == "Bearer"
        assert refused.closed() == 4003


def test_an_ended_session_closes_with_4006(gateway, peer, visitor, agent):
    session = session_of(start(gateway, token=visitor))
    guest, helper = join(peer, gateway, session, visitor), join(peer, gateway, session, agent)
    answer = end(gateway, agent, session)
    assert (answer.status, answer.json["message"]) == (200, "Session ended successfully")
    for member in (guest, helper):
        same(member.receive(), {"type": "session_ended", "message": "The session has ended.", "timestamp": MILLISECONDS_Z})
        assert member.closed() == 4006

    late = peer.open(f"{gateway.socket}/ws/visitor-chat/?session_id={session}", ["Bearer", visitor])
    assert late.opened() == "Bearer"
    same(late.receive(), {"type": "error", "message": "This session has ended. No further communication is allowed."})
    assert late.closed() == 4006
    assert end(gateway, agent, session).status == 400


def test_only_an_agent_ends_a_session(gateway, visitor):
    session = session_of(start(gateway, token=visitor))
    assert end(gateway, visitor, session).status == 403


def test_a_bad_frame_gets_an_error_and_the_socket_stays_open(gateway, peer, visitor):
    session = session_of(start(gateway, token=visitor))
    guest = join(peer, gateway, session, visitor)
    frames = ["{", {"type": "dance"}, {"type": "text"}, {"type": "text", "content": ""},
              {"type": "file", "file": "http://127.0.0.1:1/media/chat_attachments/x.pdf", "is_audio": False}]
    for frame in frames:
        guest.send(frame)
        same(guest.receive(), {"type": "error", "message": TEXT})
    guest.send({"type": "text", "content": "still here"})
    same(guest.receive(), text_frame("still here"))


def test_http_errors(gateway, visitor, tmp_path):
    executable = file(tmp_path, "tool.exe")
    refusals = [
        (400, post(f"{gateway.address}/chat/start-session/", {})),
        (401, start(gateway, token="nonsense")),
        (400, curl(f"{gateway.address}/chat/upload-file/", "-F", "message=null", token=visitor)),
        (400, upload(gateway, visitor, executable)),
        (401, upload(gateway, "nonsense", executable)),
    ]
    for status, answer in refusals:
        assert answer.status == status, answer.body
        same(answer.body, {"message": TEXT})


@pytest.mark.parametrize("process", ["browser.cjs"], indirect=True)
def test_a_page_of_another_origin_is_refused(gateway, process, visitor):
    """Only browsers say an origin; the page at about:blank has none that could be allowed."""
    process.visit("about:blank")
    foreign = process.open(f"{gateway.socket}/ws/visitor-chat/?session_id={uuid.uuid4()}", ["Bearer", visitor])
    assert foreign.closed() == 1006
