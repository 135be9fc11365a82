"""WebSocket clients of JavaScript: Node's ws, and a page in Chromium. Both are driven by the scripts in `javascript/`."""

import itertools
import json
import queue
import subprocess
import threading
import time
from pathlib import Path

SCRIPTS = Path(__file__).parent / "javascript"
SECONDS = 5
# A browser has to start first.
FIRST_SECONDS = 30


class Peer:
    """One process of Node."""

    def __init__(self, script):
        self.process = subprocess.Popen(
            ["node", str(SCRIPTS / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.names = itertools.count(1)
        self.events = {}
        threading.Thread(target=self._read, daemon=True).start()

    def visit(self, url):
        """Makes the page of this URL the one whose scripts open sockets."""
        self.command(do="visit", url=url)

    def open(self, url, protocols=()):
        name = next(self.names)
        self.events[name] = queue.Queue()
        self.command(do="open", id=name, url=url, protocols=list(protocols))
        return JavascriptSocket(self, name)

    def post(self, url, headers, fields, files):
        """A form by the page's own fetch; only a browser can."""
        name = next(self.names)
        self.events[name] = queue.Queue()
        self.command(do="post", id=name, url=url, headers=headers, fields=fields, files=files)
        return JavascriptSocket(self, name)

    def command(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(FIRST_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            self.events[event["id"]].put(event)


class JavascriptSocket:
    def __init__(self, peer, name):
        self.peer, self.name = peer, name
        self.waited = False

    def send(self, frame):
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.peer.command(do="send", id=self.name, text=text)

    def close(self):
        self.peer.command(do="close", id=self.name)

    def event(self, kind):
        """The next event, which must be of this kind; what an error says is in no specification, so it is passed over."""
        deadline = time.monotonic() + (SECONDS if self.waited else FIRST_SECONDS)
        self.waited = True
        while True:
            event = self.peer.events[self.name].get(timeout=max(0.01, deadline - time.monotonic()))
            if event["event"] == "error" and kind != "error":
                continue
            assert event["event"] == kind, event
            return event

    def opened(self):
        """Waits for the handshake, and says the protocol that the server chose."""
        return self.event("open")["protocol"]

    def receive(self):
        event = self.event("message")
        assert not event["binary"]
        return event["text"]

    def closed(self):
        return self.event("close")["code"]
