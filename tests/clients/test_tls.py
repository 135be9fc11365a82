"""TLS on the listener by clients that are not ours: curl, OpenSSL, Python's websockets. The certificate of tests/keys is
its own authority; files that a test changes are copies in its own folder."""

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import websockets
from curl import curl
from gateway import Gateway

KEYS = Path(__file__).resolve().parent.parent / "keys"
LIST = "/api/chat/conversations/"
SECONDS = 10
CONVERSATIONS = """
[[conversations]]
name      = "room-101"
frontdesk = 101
"""


def place(folder, name, source):
    """Puts a file where the gateway reads it, as certificate managers do: beside it, then over it."""
    shutil.copy(KEYS / source, folder / "beside")
    os.replace(folder / "beside", folder / name)


@pytest.fixture
def secured(request, tmp_path):
    """Starts gateways over TLS; arguments are further lines of [server.tls]."""
    running = []

    def start(more=""):
        place(tmp_path, "tls.crt", "localhost.pem")
        place(tmp_path, "tls.key", "p256.pem")
        server = f'tls = {{ cert = "tls.crt", key = "tls.key"{more} }}'
        gateway = Gateway(request.config.getoption("--binary"), tmp_path, CONVERSATIONS, server=server)
        running.append(gateway.__enter__())
        return gateway

    yield start
    for gateway in running:
        gateway.__exit__()
        gateway.must_not_have_logged_credentials()


def trusting(*names):
    context = ssl.create_default_context()
    for name in names or ("localhost.pem",):
        context.load_verify_locations(KEYS / name)
    return context


def openssl(gateway, *arguments):
    """What `openssl s_client` says of a handshake."""
    address = gateway.address.removeprefix("https://")
    command = ["openssl", "s_client", "-connect", address, "-CAfile", str(KEYS / "localhost.pem"), *arguments]
    # What the server says in HTTP/2 is no text.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS
    )
    return done.stdout + done.stderr


def metric(gateway, name):
    page = curl(f"{gateway.admin}/metrics").body.decode()
    return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE).group(1))


def test_curl_speaks_either_version_and_links_are_https(secured, tmp_path):
    gateway = secured()
    staff = gateway.token("frontdesk", "staff-1", role="staff")
    trust = ["--cacert", str(KEYS / "localhost.pem")]
    for wanted, version in [("--http1.1", "1.1"), ("--http2", "2")]:
        answer = curl(gateway.address + LIST, wanted, *trust, token=staff)
        assert (answer.status, answer.version) == (200, version), answer
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200_000))
    sent = curl(f"{gateway.address}/api/chat/upload-media/", "-F", "conversation_id=101", "-F", f"file=@{photo}", *trust, token=staff)
    assert sent.status == 200 and sent.json["file_url"].startswith(gateway.address), sent
    assert curl(sent.json["file_url"], *trust).body == photo.read_bytes()


def test_openssl_gets_no_old_version(secured):
    gateway = secured()
    for option, version in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")]:
        said = openssl(gateway, option, "-alpn", "h2,http/1.1")
        assert version in said and "ALPN protocol: h2" in said and "Verify return code: 0 (ok)" in said, said
    # OpenSSL itself must be talked into speaking it.
    old = openssl(gateway, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in old and "SSL alert number" in old, old


def test_a_socket_stays_open_while_the_certificate_changes(secured, tmp_path):
    gateway = secured()
    uri = gateway.socket + "/ws/chat/?token=" + gateway.token("frontdesk", "staff-1", role="staff")
    first = metric(gateway, 'dragoman_tls_certificate_expiry_timestamp_seconds{listener="clients"}')
    assert first == ssl.cert_time_to_seconds("Jan  1 00:00:00 2120 GMT")

    async def talk(socket, text):
        await socket.send('{"type":"text","conversation_id":101,"content":"%s"}' % text)
        async with asyncio.timeout(SECONDS):
            while text not in await socket.recv():
                pass

    async def play():
        async with websockets.connect(uri, ssl=trusting(), proxy=None) as before:
            await talk(before, "before")
            place(tmp_path, "tls.crt", "localhost.rsa.pem")
            place(tmp_path, "tls.key", "rsa.pem")
            deadline = time.monotonic() + SECONDS
            while metric(gateway, 'dragoman_tls_certificate_reloads_total{listener="clients",outcome="taken"}') < 1:
                assert time.monotonic() < deadline, gateway.tail()
                await asyncio.sleep(0.1)
            await talk(before, "after")
            async with websockets.connect(uri, ssl=trusting("localhost.rsa.pem"), proxy=None) as after:
                await talk(after, "anew")
            with pytest.raises(ssl.SSLCertVerificationError):
                await websockets.connect(uri, ssl=trusting("localhost.pem"), proxy=None)

    asyncio.run(play())


def test_clients_show_a_certificate_where_that_is_asked_for(secured, tmp_path):
    shutil.copy(KEYS / "localhost.rsa.pem", tmp_path / "clients.crt")
    gateway = secured(', client_ca = "clients.crt"')
    staff = gateway.token("frontdesk", "staff-1", role="staff")
    trust = ["--cacert", str(KEYS / "localhost.pem")]
    shown = ["--cert", str(KEYS / "localhost.rsa.pem"), "--key", str(KEYS / "rsa.pem")]
    assert curl(gateway.address + LIST, *trust, *shown, token=staff).status == 200
    for others in [[], ["--cert", str(KEYS / "localhost.pem"), "--key", str(KEYS / "p256.pem")]]:
        with pytest.raises(AssertionError, match=r"curl: \((35|52|55|56)\)"):
            curl(gateway.address + LIST, *trust, *others, token=staff)
