"""Starts `dragoman serve` with the five dialects on one free port. In: the binary, a folder. Out: addresses, tokens."""

import base64
import hashlib
import hmac
import json
import os
import queue
import re
import secrets
import subprocess
import threading
import time

START_SECONDS = 10
STOP_SECONDS = 10
DIALECTS = ("frontdesk", "andromedia", "licomed", "divar", "luxmart")


class Gateway:
    """One process. Its routes are named like the dialects they speak."""

    def __init__(self, binary, folder, conversations="", options=None, server=""):
        self.binary = binary
        self.secret = secrets.token_hex(32)
        self.config = folder / "routes.toml"
        # divar knows its callers by fixed tokens: a key of the app, and a token of the user whom it acts for.
        self.api_key, self.access_token = secrets.token_hex(16), secrets.token_hex(16)
        self.config.write_text(self._configuration(folder, conversations, options or {}, server))
        self.log = []
        self.issued = [self.secret, self.api_key, self.access_token]

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", "--config", str(self.config)],
            # Everything there is to log, so that a credential in a log is found.
            env=os.environ | {"DRAGOMAN_LOG": "trace"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self.reader.start()
        try:
            self.address = self._wait_for(lines, r"listening on (https?://\S+?)/?\s*$")
            self.admin = self._wait_for(lines, r"admin on (https?://\S+?)/?\s*$")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_):
        alive = self.process.poll() is None
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the gateway did not stop on SIGTERM\n" + self.tail()) from None
        finally:
            self.reader.join(STOP_SECONDS)
        assert alive, "the gateway died\n" + self.tail()

    @property
    def socket(self):
        return self.address.replace("http", "ws", 1)

    def token(self, route, sub, **claims):
        """A JWT as `dragoman token` writes it: `role`, `name`, `department`, `business`."""
        command = [self.binary, "token", "--config", str(self.config), "--route", route, "--sub", sub]
        for name, value in claims.items():
            command += [f"--{name.replace('_', '-')}", value]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS)
        assert done.returncode == 0, done.stderr
        return self._remember(done.stdout.strip())

    def forged(self, sub, secret=None, **claims):
        """A JWT of our own making: signed with another secret, expired, whatever a test needs."""
        claims = {"sub": sub, "exp": int(time.time()) + 3600, **claims}
        head, body = (base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        sign = hmac.new((secret or self.secret).encode(), f"{head}.{body}".encode(), hashlib.sha256)
        return self._remember(f"{head}.{body}.{base64url(sign.digest())}")

    def expired(self, sub, **claims):
        return self.forged(sub, exp=int(time.time()) - 3600, **claims)

    def must_not_have_logged_credentials(self):
        log = "\n".join(self.log)
        for credential in self.issued:
            assert credential not in log, "a credential is in the log"

    def tail(self):
        return "".join(self.log[-40:])

    def _configuration(self, folder, conversations, options, server):
        """The five dialects on their documented paths; `options` are further lines of a route, by its name, `server` of [server]."""
        fixed = f"""{{ kind = "tokens", tokens = [
  {{ token = "{self.api_key}", party = "app-1", role = "bot" }},
  {{ token = "{self.access_token}", credential = "access_token", party = "seller-1", role = "user" }},
] }}"""
        routes = "\n".join(
            f"""
[[routes]]
name    = "{dialect}"
dialect = "{dialect}"
to      = "hub"
uploads = "local"
auth    = {fixed if dialect == "divar" else f'{{ kind = "jwt", secret = "{self.secret}" }}'}
{options.get(dialect, "")}"""
            for dialect in DIALECTS
        )
        return f"""
[server]
listen = "127.0.0.1:0"
admin  = "127.0.0.1:0"
{server}

[journal]
kind = "embedded"
path = "{folder}/journal"

[stores.local]
kind = "fs"
root = "{folder}/uploads"
{routes}
{conversations}
"""

    def _remember(self, token):
        self.issued.append(token)
        return token

    def _read(self, lines):
        for line in self.process.stderr:
            self.log.append(line)
            lines.put(line)
        lines.put(None)

    def _wait_for(self, lines, pattern):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"the gateway never said {pattern!r}\n" + self.tail()
            # A terminal would see colours; a pipe must not, and a test does not care.
            if found := re.search(pattern, line):
                return found.group(1)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
