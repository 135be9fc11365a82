#!/usr/bin/env python3
"""Runs what every S3 server must do for uploads against one that the test command does not install.

    scripts/s3.py                                        starts `garage` from the PATH in a folder that is gone afterwards
    S3_ENDPOINT=http://127.0.0.1:9000 S3_BUCKET=chat \\
    S3_ACCESS_KEY=… S3_SECRET_KEY=… scripts/s3.py        any other; S3_REGION is us-east-1 unless it says otherwise

The promises of every store, objects in parts, the sweep of what is unfinished, a wrong secret; then uploads of all five
dialects through a gateway: read back, verified, removed. The bucket must be there, empty and nobody else's: what is in it is
listed and removed. Needs cargo-nextest, or else cargo test.

Garage is one program (https://garagehq.deuxfleurs.fr); its package or its binary on the PATH as `garage` will do.
"""

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WANTED = ["S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY"]
# The tests that ask a given server, which the test command passes over.
TESTS = ["promises_hold_at_a_given_server", "every_dialects_uploads_are_in_a_given_bucket"]

CONFIG = """
metadata_dir = "{folder}/meta"
data_dir = "{folder}/data"
db_engine = "lmdb"
replication_factor = 1
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{secret}"

[s3_api]
s3_region = "garage"
api_bind_addr = "127.0.0.1:{s3}"
root_domain = ".s3.localhost"
"""


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    given = {name: os.environ[name] for name in WANTED if name in os.environ}
    if given and len(given) < len(WANTED):
        sys.exit(f"not set: {', '.join(name for name in WANTED if name not in given)}")
    with contextlib.nullcontext(given) if given else garage() as server:
        sys.exit(run({"S3_REGION": "us-east-1", **os.environ, **server}))


def run(environment):
    """Gives the exit code of the tests."""
    root = Path(__file__).parent.parent
    if subprocess.run(["cargo", "nextest", "--version"], capture_output=True).returncode == 0:
        wanted = " or ".join(f"test({name})" for name in TESTS)
        command = ["cargo", "nextest", "run", "--lib", "--test", "uploads", "--run-ignored", "only", "-E", wanted]
        return subprocess.run(command, cwd=root, env=environment).returncode
    outcomes = [
        subprocess.run(["cargo", "test", *where, name, "--", "--ignored"], cwd=root, env=environment).returncode
        for where, name in zip([["--lib"], ["--test", "uploads"]], TESTS)
    ]
    return max(outcomes)


@contextlib.contextmanager
def garage():
    """A garage of one node, with a bucket and a key. Gives what the tests must know of it."""
    if not shutil.which("garage"):
        sys.exit("there is no `garage` on the PATH: install it, or name another server in S3_ENDPOINT (see --help)")
    print(subprocess.run(["garage", "--version"], capture_output=True, text=True).stdout.strip())
    with tempfile.TemporaryDirectory() as folder:
        rpc, s3 = free_port(), free_port()
        config = Path(folder) / "garage.toml"
        config.write_text(CONFIG.format(folder=folder, rpc=rpc, s3=s3, secret=secrets.token_hex(32)))

        def ask(*arguments):
            command = ["garage", "--config", str(config), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "RUST_LOG": "garage=warn"})
            if done.returncode != 0:
                raise RuntimeError(f"garage {' '.join(arguments)}: {done.stdout}{done.stderr}")
            return done.stdout

        with (Path(folder) / "log").open("w+") as log:
            server = subprocess.Popen(["garage", "--config", str(config), "server"], stdout=log, stderr=log)
            try:
                node = patiently(lambda: ask("node", "id", "--quiet")).split("@")[0].strip()
                patiently(lambda: ask("status"))
                ask("layout", "assign", node, "--zone", "here", "--capacity", "1G")
                ask("layout", "apply", "--version", "1")
                patiently(lambda: ask("bucket", "create", "chat"))
                key = ask("key", "create", "tests")
                identity, secret = re.search(r"Key ID:\s*(\S+)", key)[1], re.search(r"Secret key:\s*(\S+)", key)[1]
                ask("bucket", "allow", "chat", "--read", "--write", "--key", identity)
                endpoint = f"http://127.0.0.1:{s3}"
                yield {"S3_ENDPOINT": endpoint, "S3_REGION": "garage", "S3_BUCKET": "chat",
                       "S3_ACCESS_KEY": identity, "S3_SECRET_KEY": secret}
            except RuntimeError as failure:
                log.seek(0)
                sys.exit(f"{failure}\n{log.read()[-4000:]}")
            finally:
                server.terminate()
                server.wait(30)


def patiently(ask):
    """Until the server is there."""
    for _ in range(100):
        try:
            return ask()
        except RuntimeError as failure:
            why = failure
            time.sleep(0.1)
    raise why


def free_port():
    """It cannot be asked for any free port; this one was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


if __name__ == "__main__":
    main()
