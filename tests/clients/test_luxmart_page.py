"""luxmart's "Using JavaScript (FormData)" in Chromium, from a page of another origin that the route lists."""

import http.server
import threading

import pytest

from form import TEXT, matching, same
from javascript_peer import Peer


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


LISTED_SERVER, LISTED = serve()
OTHER_SERVER, OTHER = serve()
OPTIONS = {"luxmart": f'origins = ["{LISTED}"]'}


@pytest.fixture(scope="module")
def browser():
    running = Peer("browser.cjs")
    yield running
    running.stop()
    for server in (LISTED_SERVER, OTHER_SERVER):
        server.shutdown()
        server.server_close()


def upload(browser, gateway, page, name):
    token = gateway.token("luxmart", "10", role="store", name="Store")
    browser.visit(page)
    return browser.post(
        f"{gateway.address}/v1/chat/upload/", {"Authorization": f"Token {token}"}, {"session_id": "1"},
        {"file": {"name": name, "text": "%PDF-1.4 a page's file"}},
    )


def test_a_listed_page_uploads_and_reads_the_answer(gateway, browser):
    answer = upload(browser, gateway, LISTED, "image.pdf").event("answer")
    assert answer["status"] == 200
    same(answer["text"], {"url": matching(r"http://[^/]+/.*chat/session-1/image-.+\.pdf"), "type": "application/pdf"})


def test_a_listed_page_reads_a_refusal(gateway, browser):
    answer = upload(browser, gateway, LISTED, "image.zip").event("answer")
    assert answer["status"] == 400
    same(answer["text"], {"error": TEXT})


def test_another_page_is_not_let(gateway, browser):
    assert upload(browser, gateway, OTHER, "image.pdf").event("error")
