#!/usr/bin/env python3
"""How much memory uploads cost, by curl, against one gateway that keeps them in a folder, a bucket, or both.

    cargo build --release
    scripts/memory.py target/release/dragoman                                    32 of 50 MiB, 16 at a time, to a folder
    scripts/memory.py target/release/dragoman --stores local,bucket --uploads 1 --megabytes 2048 --most 64
    scripts/memory.py target/release/dragoman --stores bucket --uploads 100 --at-a-time 100 --megabytes 5 --most 128

Prints the growth of the peak resident memory in MiB; ends with 1 when it is not less than --most. Needs Linux (/proc) and
curl; for the bucket s3s-fs, which ./test.sh installs. Files are below $TMPDIR: a folder in memory would count twice.
"""

import argparse
import concurrent.futures
import contextlib
import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MEBIBYTE = 1024 * 1024
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
uploads = {stores}
limits  = {{ upload = "4GiB", rate = "100000/s" }}
auth    = {{ kind = "tokens", tokens = [{{ token = "{key}", party = "app-1", role = "bot" }}] }}
"""


BUCKET = """
[stores.bucket]
kind     = "s3"
endpoint = "{endpoint}"
bucket   = "chat"
access_key_id     = "trying"
secret_access_key = "trying-things-out"
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("--uploads", type=int, default=32)
    arguments.add_argument("--at-a-time", type=int, default=16)
    arguments.add_argument("--megabytes", type=int, default=50)
    arguments.add_argument("--stores", default="local", help="local, bucket, or local,bucket")
    arguments.add_argument("--most", type=int, default=32, help="MiB")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with bucket(Path(folder)) if "bucket" in given.stores else contextlib.nullcontext("") as settings:
            sys.exit(measure(given, Path(folder), settings))


@contextlib.contextmanager
def bucket(folder):
    """A server of buckets as a process of its own. Gives the settings of the store."""
    program = shutil.which("s3s-fs", path="target/test-tools/bin") or shutil.which("s3s-fs")
    if not program:
        raise SystemExit("s3s-fs is missing: ./test.sh installs it")
    root = folder / "buckets"
    (root / "chat").mkdir(parents=True)
    command = [program, "--host", "127.0.0.1", "--port", "0", "--access-key", "trying", "--secret-key", "trying-things-out", str(root)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"RUST_LOG": "s3s_fs=info"})
    try:
        endpoint = next(found[1] for line in server.stdout if (found := re.search(r"running at (http://[\d.:]+)", line)))
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield BUCKET.format(endpoint=endpoint)
    finally:
        server.kill()
        server.wait()


def measure(given, folder, settings):
    config = folder / "routes.toml"
    stores = json.dumps(given.stores.split(","))
    config.write_text(CONFIG.format(folder=folder, key=KEY, stores=stores) + settings)
    video = folder / "video.mp4"
    write_video(video, given.megabytes * MEBIBYTE)
    gateway = subprocess.Popen([given.binary, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True)
    try:
        address = wait_for_address(gateway)
        # A full pipe would stop the gateway.
        threading.Thread(target=gateway.stderr.read, daemon=True).start()
        # One first: what is allocated once is not growth.
        first = folder / "first.mp4"
        write_video(first, MEBIBYTE)
        upload(address, first)
        before = memory(gateway.pid)
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(given.at_a_time) as pool:
            list(pool.map(lambda _: upload(address, video), range(given.uploads)))
        took = time.monotonic() - began
        after = memory(gateway.pid)
    finally:
        gateway.terminate()
        gateway.wait(30)
    growth = (after["VmHWM"] - before["VmRSS"]) / MEBIBYTE
    rate = given.uploads * given.megabytes / took
    print(f"{given.uploads} uploads of {given.megabytes} MiB to {given.stores}, {given.at_a_time} at a time, in {took:.1f} s ({rate:.0f} MiB/s)")
    print(f"resident before {before['VmRSS'] / MEBIBYTE:.1f} MiB, at its peak {after['VmHWM'] / MEBIBYTE:.1f} MiB, "
          f"after {after['VmRSS'] / MEBIBYTE:.1f} MiB")
    print(f"growth {growth:.1f} MiB, allowed less than {given.most} MiB")
    return 0 if growth < given.most else 1


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
    curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "900"]
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
