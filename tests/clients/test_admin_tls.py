"""TLS and client certificates on the admin listener, by clients that are not ours: curl, OpenSSL, Python's http.client. The
authorities are made for each test; what changes on disk changes as certificate managers and the kubelet do it."""

import http.client
import os
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from authority import Authority
from curl import curl
from gateway import Gateway

KEYS = Path(__file__).resolve().parent.parent / "keys"
SECONDS = 10
TOKEN = secrets.token_hex(32)
# What curl says where a handshake comes to nothing: the other side's alert arrives during it, or after it in TLS 1.3.
NO_HANDSHAKE = r"curl: \((35|52|55|56)\)"


class Admin:
    """A gateway, its authority of operators, and curl."""

    def __init__(self, binary, folder, more, server=""):
        self.folder = folder
        self.made = folder / "made"
        self.made.mkdir()
        self.operators = Authority(self.made, "operators")
        self.ann = self.operators.sign("ann", "DNS:ann.ops.example, email:ann@ops.example")
        shutil.copy(self.operators.certificate, folder / "operators.crt")
        shutil.copy(KEYS / "localhost.pem", folder / "tls.crt")
        shutil.copy(KEYS / "p256.pem", folder / "tls.key")
        tls = f'admin_tls = {{ cert = "tls.crt", key = "tls.key"{more} }}'
        self.gateway = Gateway(binary, folder, server=f"{tls}\n{server}")

    def ask(self, path, *arguments, shows=None, **keywords):
        pair = ["--cert", str(shows[0]), "--key", str(shows[1])] if shows else []
        return curl(self.gateway.admin + path, "--cacert", str(KEYS / "localhost.pem"), *pair, *arguments, **keywords)

    def status(self, path, *arguments, **keywords):
        return self.ask(path, *arguments, **keywords).status

    def replace(self, name, source):
        """Puts a file where the gateway reads it: beside it, then over it."""
        shutil.copy(source, self.folder / "beside")
        os.replace(self.folder / "beside", self.folder / name)

    def reload(self, before, after):
        """Changes the config; the gateway is told by Ann."""
        text = self.gateway.config.read_text()
        assert before in text
        self.gateway.config.write_text(text.replace(before, after))
        answer = self.ask("/api/reload", "-X", "POST", shows=self.ann)
        assert answer.status == 200, answer

    def connection(self, shows):
        """One that stays open."""
        context = ssl.create_default_context(cafile=KEYS / "localhost.pem")
        context.load_cert_chain(*shows)
        address = self.gateway.admin.removeprefix("https://")
        return http.client.HTTPSConnection(address, context=context, timeout=SECONDS)


def reloads(outcome):
    return f'dragoman_tls_certificate_reloads_total{{listener="admin",outcome="{outcome}"}}'


def asked_on(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.fixture
def start(request, tmp_path):
    running = []

    def start(more=', client_ca = "operators.crt"', server=""):
        admin = Admin(request.config.getoption("--binary"), tmp_path, more, server)
        running.append(admin.gateway.__enter__())
        running[-1].issued += [TOKEN, *(line for key in tmp_path.glob("**/*.key") for line in key.read_text().splitlines() if "-" not in line)]
        return admin

    yield start
    for gateway in running:
        gateway.__exit__()
        gateway.must_not_have_logged_credentials()


def test_a_certificate_lets_in_and_probes_need_none(start):
    admin = start()
    for path in ("/healthz", "/readyz", "/console"):
        assert admin.status(path) == 200, path
    for path in ("/metrics", "/nowhere", "/console/dialects"):
        refused = admin.ask(path)
        assert refused.status == 403 and "client certificate" in refused.json["error"], path
    assert admin.status("/api/reload", "-X", "POST") == 403
    assert admin.status("/metrics", shows=admin.ann) == 200
    assert admin.status("/console/dialects", shows=admin.ann) == 200
    assert admin.status("/api/reload", "-X", "POST", shows=admin.ann) == 200
    assert any("asked by an operator" in line and "certificate ann.ops.example" in line for line in admin.gateway.log)
    # Nobody is served in the clear.
    with pytest.raises(AssertionError, match=r"curl: \(\d+\)"):
        curl(admin.gateway.admin.replace("https", "http") + "/healthz")


def test_a_token_is_as_good(start):
    admin = start(server=f'admin_token = "{TOKEN}"')
    assert admin.status("/metrics") == 401
    assert admin.status("/metrics", token="another") == 401
    assert admin.status("/metrics", token=TOKEN) == 200
    assert admin.status("/metrics", shows=admin.ann) == 200


def test_a_token_alone_is_hidden_by_tls(start):
    admin = start(more="", server=f'admin_token = "{TOKEN}"')
    assert admin.status("/metrics", token=TOKEN) == 200
    # Nobody asks for the certificate, so it is not sent.
    assert admin.status("/metrics", shows=admin.ann) == 401


def test_certificates_of_others_and_those_that_ended_are_no_connection(start, tmp_path):
    admin = start()
    folder = tmp_path / "others"
    folder.mkdir()
    for shown in (Authority(folder, "others").sign("ann", "DNS:ann.ops.example"), admin.operators.sign("old", days=-1)):
        for path in ("/metrics", "/healthz"):
            with pytest.raises(AssertionError, match=NO_HANDSHAKE):
                admin.ask(path, shows=shown)
    # One without its key: the signature is another's.
    forged = Authority(folder, "forgers").sign("forged")
    with pytest.raises(AssertionError, match=r"curl: \(58\)"):
        admin.ask("/metrics", shows=(admin.ann[0], forged[1]))
    page = admin.ask("/metrics", shows=admin.ann).body.decode()
    lost = re.search(r'^dragoman_connections_lost_total\{listener="admin",reason="handshake"\} (\d+)$', page, re.MULTILINE)
    assert int(lost[1]) >= 4


def test_a_name_is_enough_and_taking_it_away_too(start):
    admin = start(', client_ca = "operators.crt", client_names = ["ann@ops.example", "bob"]')
    bob, eve = admin.operators.sign("bob"), admin.operators.sign("eve", "DNS:ann.ops.example.eve")
    assert [admin.status("/metrics", shows=shown) for shown in (admin.ann, bob, eve)] == [200, 200, 403]
    bobs = admin.connection(bob)
    assert asked_on(bobs, "/metrics") == 200
    admin.reload(', "bob"', "")
    # On a connection that was let in before, too.
    assert asked_on(bobs, "/metrics") == 403
    assert asked_on(bobs, "/healthz") == 200
    assert [admin.status("/metrics", shows=shown) for shown in (admin.ann, bob)] == [200, 403]


def test_other_authorities_count_from_when_they_are_on_disk(start, tmp_path):
    admin = start()
    folder = tmp_path / "next"
    folder.mkdir()
    following = Authority(folder, "following")
    eve = following.sign("eve")
    before = admin.connection(admin.ann)
    assert asked_on(before, "/metrics") == 200
    with pytest.raises(AssertionError, match=NO_HANDSHAKE):
        admin.ask("/metrics", shows=eve)
    admin.replace("operators.crt", following.certificate)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            assert admin.status("/metrics", shows=eve) == 200
            break
        except AssertionError:
            assert time.monotonic() < deadline, admin.gateway.tail()
            time.sleep(0.1)
    with pytest.raises(AssertionError, match=NO_HANDSHAKE):
        admin.ask("/metrics", shows=admin.ann)
    # The connection that Ann had open is closed, and she is not let in anew.
    before.auto_open = False
    with pytest.raises((http.client.HTTPException, OSError)):
        asked_on(before, "/metrics")


def test_a_mounted_secret_that_changes_is_taken_once(start):
    """The kubelet writes a folder beside the old one and swaps one symbolic link."""
    admin = start(', client_ca = "operators.crt"')
    # As the gateway's own files were laid by hand, lay them as the kubelet does.
    mounted = admin.folder / "mounted"

    def write(name, certificate, key):
        folder = mounted / name
        folder.mkdir(parents=True)
        shutil.copy(KEYS / certificate, folder / "tls.crt")
        shutil.copy(KEYS / key, folder / "tls.key")
        os.symlink(name, mounted / "..data_tmp")
        os.replace(mounted / "..data_tmp", mounted / "..data")

    write("..2026_11_21_1", "localhost.pem", "p256.pem")
    for file in ("tls.crt", "tls.key"):
        os.symlink(f"..data/{file}", mounted / file)
        os.symlink(mounted / file, admin.folder / "link")
        os.replace(admin.folder / "link", admin.folder / file)
    write("..2026_11_21_2", "localhost.rsa.pem", "rsa.pem")
    shutil.rmtree(mounted / "..2026_11_21_1")
    deadline = time.monotonic() + SECONDS
    trust = ssl.create_default_context(cafile=KEYS / "localhost.rsa.pem")
    trust.load_cert_chain(*admin.ann)
    address = admin.gateway.admin.removeprefix("https://").replace("127.0.0.1", "localhost")
    while True:
        try:
            connection = http.client.HTTPSConnection(address, context=trust, timeout=SECONDS)
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode().splitlines()
            break
        except ssl.SSLCertVerificationError:
            assert time.monotonic() < deadline, admin.gateway.tail()
            time.sleep(0.1)
    assert f"{reloads('taken')} 1" in page and f"{reloads('refused')} 0" in page


def test_a_page_of_somebody_else_gets_nothing_by_a_browsers_certificate(start):
    admin = start()
    for header in ("Origin: https://site.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"):
        for path in ("/console/dialects", "/console/events"):
            assert admin.status(path, "-H", header, shows=admin.ann) == 403, (header, path)
    assert admin.status("/api/reload", "-X", "POST", "-H", "Origin: https://site.example", shows=admin.ann) == 403
    own = f"Origin: {admin.gateway.admin}"
    assert admin.status("/console/dialects", "-H", own, "-H", "Sec-Fetch-Site: same-origin", shows=admin.ann) == 200


def test_openssl_is_told_whose_certificates_are_wanted_and_gets_no_old_version(start):
    admin = start()
    address = admin.gateway.admin.removeprefix("https://")

    def handshake(*arguments):
        command = ["openssl", "s_client", "-connect", address, "-CAfile", str(KEYS / "localhost.pem"), *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        return done.stdout + done.stderr

    for option, version in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")]:
        said = handshake(option, "-alpn", "h2,http/1.1")
        assert version in said and "ALPN protocol: http/1.1" in said and "CN = operators" in said, said
    assert "Cipher is (NONE)" in handshake("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_handshakes_that_do_not_go_on_keep_nobody_out(start):
    admin = start()
    host, port = admin.gateway.admin.removeprefix("https://").split(":")
    crowd = [socket.create_connection((host, int(port))) for _ in range(300)]
    for connection in crowd:
        try:
            connection.send(b"\x16\x03\x01\x02")
        except OSError:
            pass  # it was pushed out already
    assert admin.status("/readyz") == 200
    for connection in crowd:
        connection.close()
