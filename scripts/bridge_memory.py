#!/usr/bin/env python3
"""How much memory a large file costs on its way across the bridge: staff upload 50 MB and send it to a divar backend.

    cargo build --release && scripts/bridge_memory.py target/release/dragoman

The backend is a part of this script: it reads what comes and keeps nothing. Prints the growth of the peak resident memory
in MiB and the time a file takes; ends with 1 when it grew by 32 MiB or more. Needs Linux (/proc) and curl.
"""

import argparse
import base64
import concurrent.futures
import http.server
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from memory import MEBIBYTE, MOST_GROWTH, memory, wait_for_address, write_video

TOKEN = secrets.token_hex(16)

CONFIG = """
[server]
listen = "127.0.0.1:0"
admin  = "off"

[journal]
kind = "embedded"
path = "{folder}/journal"

[stores.local]
kind = "fs"
root = "{folder}/uploads"

[upstreams.back]
dialect    = "divar"
http       = "http://127.0.0.1:{port}"
credential = {{ kind = "fixed", value = "key-of-the-gateway" }}
events     = {{ path = "/callbacks/back", key = "{token}" }}

[[routes]]
name    = "front"
dialect = "frontdesk"
to      = "back"
uploads = "local"
limits  = {{ upload = "64MiB" }}
on_loss = "refuse"
auth    = {{ kind = "tokens", tokens = [{tokens}] }}

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
divar      = "conversation-101"
"""


class Backend(http.server.BaseHTTPRequestHandler):
    """The three steps of divar's upload; nothing is kept."""

    protocol_version = "HTTP/1.1"
    taken = []

    def do_POST(self):
        left = int(self.headers.get("Content-Length", 0))
        taken = 0
        while taken < left:
            piece = self.rfile.read(min(left - taken, 64 * 1024))
            if not piece:
                return
            taken += len(piece)
        answer = {"status": 200, "message": "ok"}
        if self.path.endswith("/chat/upload"):
            answer = {"token": secrets.token_hex(16)}
        elif self.path.startswith("/upload/"):
            Backend.taken.append(taken)
            answer = {"id": secrets.token_hex(16), "status": "ok"}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Staff:
    """One of the staff at a socket of the gateway."""

    def __init__(self, address, token):
        host, port = address.split("//")[1].rstrip("/").split(":")
        self.stream = socket.create_connection((host, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall(
            f"GET /ws/chat/?token={token} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.reader = self.stream.makefile("rb")
        status = self.reader.readline()
        assert b" 101 " in status, status
        while self.reader.readline().strip():
            pass

    def say(self, frame):
        payload = json.dumps(frame).encode()
        assert 126 <= len(payload) < 65536
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.stream.sendall(b"\x81\xfe" + len(payload).to_bytes(2, "big") + mask + masked)

    def hear(self):
        while True:
            first, length = self.reader.read(2)
            if length == 126:
                length = int.from_bytes(self.reader.read(2), "big")
            payload = self.reader.read(length)
            if first == 0x81:
                return json.loads(payload)


def send(address, video, token):
    """Uploads the video and names it in a message; returns when that is confirmed."""
    answer = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-H", f"Authorization: Bearer {token}", "-F", "conversation_id=101", "-F",
         f"file=@{video};type=video/mp4", f"{address.rstrip('/')}/api/chat/upload-media/"],
        check=True, capture_output=True, text=True,
    )
    uploaded = json.loads(answer.stdout)
    staff = Staff(address, token)
    staff.say({"type": "media", "conversation_id": 101, "file_url": uploaded["file_url"],
               "filename": uploaded["filename"], "file_type": uploaded["file_type"]})
    while True:
        heard = staff.hear()
        assert heard["type"] != "error", heard
        # All who sit there hear of all messages.
        if heard["type"] == "chat_message" and heard["message"]["media_url"] == uploaded["file_url"]:
            return


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("--files", type=int, default=8)
    arguments.add_argument("--at-a-time", type=int, default=4)
    arguments.add_argument("--megabytes", type=int, default=50)
    given = arguments.parse_args()
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(measure(given, Path(folder), backend.server_port))


def measure(given, folder, port):
    names = [f"{TOKEN}-{number}" for number in range(given.at_a_time)]
    tokens = ", ".join(
        f'{{ token = "{name}", party = "{number + 1}", role = "staff" }}' for number, name in enumerate(names)
    )
    config = folder / "routes.toml"
    config.write_text(CONFIG.format(folder=folder, port=port, token=TOKEN, tokens=tokens))
    videos = [folder / f"video-{number}.mp4" for number in range(given.files)]
    for number, video in enumerate(videos):
        write_video(video, given.megabytes * MEBIBYTE)
        with video.open("r+b") as file:
            # No two are the same: what is the same is not sent twice.
            file.seek(64)
            file.write(number.to_bytes(8, "big"))
    gateway = subprocess.Popen([given.binary, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        address = wait_for_address(gateway)
        threading.Thread(target=gateway.stderr.read, daemon=True).start()
        before = memory(gateway.pid)
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(given.at_a_time) as pool:
            list(pool.map(lambda at: send(address, videos[at], names[at % given.at_a_time]), range(given.files)))
        seconds = time.monotonic() - began
        after = memory(gateway.pid)
    finally:
        gateway.terminate()
        gateway.wait(30)
    assert len(Backend.taken) == given.files and min(Backend.taken) >= given.megabytes * MEBIBYTE, Backend.taken
    growth = (after["VmHWM"] - before["VmRSS"]) / MEBIBYTE
    print(f"{given.files} files of {given.megabytes} MiB across the bridge, {given.at_a_time} at a time, "
          f"{given.files * given.megabytes / seconds:.0f} MiB/s in and out again")
    print(f"resident before {before['VmRSS'] / MEBIBYTE:.1f} MiB, at its peak {after['VmHWM'] / MEBIBYTE:.1f} MiB")
    print(f"growth {growth:.1f} MiB, allowed less than {MOST_GROWTH} MiB")
    return 0 if growth < MOST_GROWTH else 1


if __name__ == "__main__":
    main()
