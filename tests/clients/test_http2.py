"""HTTP/2 without TLS by curl: the same calls, the same answers, on the same port."""

from curl import curl
from files import file

CONVERSATIONS = """
[[conversations]]
name      = "room-101"
frontdesk = 101
"""


def test_an_upload_and_its_download(gateway, tmp_path):
    staff = gateway.token("frontdesk", "staff-1", role="staff", name="Ann")
    photo = file(tmp_path, "photo.png", 300_000)
    answer = curl(
        f"{gateway.address}/api/chat/upload-media/", "--http2-prior-knowledge", "-F", "conversation_id=101", "-F", f"file=@{photo}",
        token=staff,
    )
    assert (answer.version, answer.status, answer.json["file_size"]) == ("2", 200, 300_000)
    served = curl(answer.json["file_url"], "--http2-prior-knowledge")
    assert (served.version, served.body) == ("2", photo.read_bytes())


def test_a_refusal(gateway):
    answer = curl(f"{gateway.address}/api/chat/conversations/", "--http2-prior-knowledge")
    assert (answer.version, answer.status) == ("2", 401)
    assert answer.json["message"] == "Authentication credentials were not provided."
