#!/usr/bin/env python3
"""How much memory uploads cost: 50 MB each, 16 at a time, by curl, against one gateway.

    cargo build --release && scripts/memory.py target/release/dragoman

Prints the growth of the peak resident memory in MiB; ends with 1 when it is 32 or more. Needs Linux (/proc) and curl.
"""

import argparse
import concurrent.futures
import re
import secrets
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

MEBIBYTE = 1024 * 1024
MOST_GROWTH = 32
KEY = secrets.token_hex(16)

# divar takes videos of 50 MB; its upload is by a token of its own.
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

[[routes]]
name    = "uploads"
dialect = "divar"
to      = "hub"
uploads = "local"
auth    = {{ kind = "tokens", tokens = [{{ token = "{key}", party = "app-1", role = "bot" }}] }}
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("--uploads", type=int, default=32)
    arguments.add_argument("--at-a-time", type=int, default=16)
    arguments.add_argument("--megabytes", type=int, default=50)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(measure(given, Path(folder)))


def measure(given, folder):
    config = folder / "routes.toml"
    config.write_text(CONFIG.format(folder=folder, key=KEY))
    video = folder / "video.mp4"
    write_video(video, given.megabytes * MEBIBYTE)
    gateway = subprocess.Popen([given.binary, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        address = wait_for_address(gateway)
        # A full pipe would stop the gateway.
        threading.Thread(target=gateway.stderr.read, daemon=True).start()
        # One first: what is allocated once is not growth.
        upload(address, video)
        before = memory(gateway.pid)
        with concurrent.futures.ThreadPoolExecutor(given.at_a_time) as pool:
            list(pool.map(lambda _: upload(address, video), range(given.uploads)))
        after = memory(gateway.pid)
    finally:
        gateway.terminate()
        gateway.wait(30)
    growth = (after["VmHWM"] - before["VmRSS"]) / MEBIBYTE
    print(f"{given.uploads} uploads of {given.megabytes} MiB, {given.at_a_time} at a time")
    print(f"resident before {before['VmRSS'] / MEBIBYTE:.1f} MiB, at its peak {after['VmHWM'] / MEBIBYTE:.1f} MiB, "
          f"after {after['VmRSS'] / MEBIBYTE:.1f} MiB")
    print(f"growth {growth:.1f} MiB, allowed less than {MOST_GROWTH} MiB")
    return 0 if growth < MOST_GROWTH else 1


def write_video(path, size):
    """A file that starts like a video; the rest is a hole, so that the disk is not what is measured."""
    with path.open("wb") as file:
        file.write(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08free")
        file.truncate(size)


def wait_for_address(gateway):
    for line in gateway.stderr:
        if found := re.search(r"listening on (http://\S+)", line):
            return found.group(1).rstrip("/")
    raise SystemExit("the gateway did not start")


def upload(address, video):
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "300"]
    grant = subprocess.run(
        [*curl, "--header", f"X-API-Key: {KEY}", "--data", "{}", f"{address}/experimental/open-platform/chat/upload"],
        check=True, capture_output=True, text=True,
    ).stdout
    token = re.search(r'"token"\s*:\s*"([^"]+)"', grant).group(1)
    subprocess.run(
        [*curl, "--header", f"Authorization: Bearer {token}", "--form", f"file=@{video}", f"{address}/upload/video"],
        check=True, capture_output=True,
    )


def memory(process):
    """Resident memory and its peak, in bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return {name: int(kibibytes) * 1024 for name, kibibytes in re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", status)}


if __name__ == "__main__":
    main()
