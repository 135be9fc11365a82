"""The real curl as an HTTP client. In: a URL and curl's own arguments. Out: status, headers and body."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

SECONDS = "10"


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes
    # Of HTTP: "1.1" or "2".
    version: str

    @property
    def json(self):
        return json.loads(self.body)


def curl(url, *arguments, token=None, scheme="Bearer"):
    """`curl URL ARGUMENTS…`; `token` adds the Authorization header."""
    with tempfile.TemporaryDirectory() as folder:
        head, body = Path(folder, "head"), Path(folder, "body")
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", SECONDS,
                   "--dump-header", str(head), "--output", str(body), "--write-out", "%{http_code} %{http_version}"]
        if token is not None:
            command += ["--header", f"Authorization: {scheme} {token}"]
        done = subprocess.run([*command, *arguments, url], capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stderr} ({' '.join(arguments)} {url})"
        content = body.read_bytes() if body.exists() else b""
        status, version = done.stdout.split()
        return Answer(int(status), headers(head.read_text()), content, version)


def post(url, value, *arguments, **keywords):
    """POST of a JSON value."""
    return curl(url, "--header", "Content-Type: application/json", "--data", json.dumps(value), *arguments, **keywords)


def headers(text):
    """The headers of the last head; curl writes one for `100 Continue` too."""
    last = text.replace("\r\n", "\n").strip().split("\n\n")[-1]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in last.split("\n")[1:])}
