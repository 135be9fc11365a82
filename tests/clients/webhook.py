"""A server that the gateway calls, of Python's own http.server. In: nothing. Out: an address, and the calls as they come."""

import http.server
import json
import queue
import threading
from typing import NamedTuple

SECONDS = 5


class Call(NamedTuple):
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Webhook:
    """Answers every POST, with 200 unless told otherwise."""

    def __init__(self):
        calls, statuses = queue.Queue(), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                calls.put(Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.calls, self.statuses = calls, statuses
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer_with(self, statuses):
        """The statuses of the next calls; 200 follows."""
        self.statuses.extend(statuses)

    def next(self):
        return self.calls.get(timeout=SECONDS)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
