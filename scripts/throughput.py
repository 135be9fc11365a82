#!/usr/bin/env python3
"""How fast uploads pass, beside nginx that proxies without buffering them (`proxy_request_buffering off`).

    cargo build --release
    scripts/throughput.py target/release/dragoman                   both workloads, three ways, 9 rounds
    scripts/throughput.py target/release/dragoman --rounds 3 --megabytes 16

Client, proxy and sink share the machine, and a round of the one follows a round of the other, so that noise slows both: read
the ratios. The sinks:

  passed     an upstream of the clients' dialect (`uploads = "upstream"`). The gateway and nginx do the same.
  straight   an upstream of another dialect. The gateway also takes the form apart, looks at what the file is, hashes it
             (SHA-256), and writes the upstream's form; nginx copies bytes.
  bucket     s3s-fs, which checks signatures and hashes. Through nginx the client itself signs and sends the parts, 4 at once,
             as the gateway does; the gateway takes a form apart, looks, hashes, gathers parts, hashes and signs them, and
             keeps a record in its journal, all that while the one client sends over one connection.

Beside the rate: what processor time the proxy took for a GiB. Needs Linux, nginx, and s3s-fs, which ./test.sh installs. Files
are below $TMPDIR; in memory (/dev/shm) the disk is not what is measured.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import hashlib
import hmac
import http.client
import multiprocessing
import os
import re
import secrets
import shutil
import socket
import socketserver
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

MEBIBYTE = 1024 * 1024
# What the gateway's stores send as one part.
PART = 5 * MEBIBYTE
PARTS_AT_ONCE = 4
TOKEN = secrets.token_hex(16)
ACCESS_KEY, SECRET_KEY = "trying", "trying-things-out"

GATEWAY = """
[server]
listen = "127.0.0.1:0"
admin  = "off"

[journal]
kind = "embedded"
path = "{folder}/journal"

[stores.bucket]
kind     = "s3"
endpoint = "http://{bucket}"
bucket   = "chat"
access_key_id     = "{access}"
secret_access_key = "{secret}"

[upstreams.same]
dialect    = "luxmart"
http       = ["http://{sink}"]
credential = {{ kind = "forward" }}

[upstreams.other]
dialect    = "{folder}/andromedia.toml"
http       = ["http://{sink}"]
credential = {{ kind = "fixed", value = "anything" }}
"""

ROUTE = """
[[routes]]
name    = "{name}"
prefix  = "/{name}"
dialect = "luxmart"
to      = "{to}"
uploads = "{uploads}"
limits  = {{ upload = "4GiB", rate = "100000/s" }}
auth    = {auth}
"""

NGINX = """
worker_processes auto;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    keepalive_requests 1000000;
    upstream sink {{ server {sink}; keepalive 64; keepalive_requests 1000000; }}
    upstream bucket {{ server {bucket}; keepalive 64; keepalive_requests 1000000; }}
    server {{ listen {to_sink}; location / {{ proxy_pass http://sink; }} }}
    server {{ listen {to_bucket}; location / {{ proxy_pass http://bucket; }} }}
}}
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary")
    arguments.add_argument("--rounds", type=int, default=9, help="of each workload, on each way")
    arguments.add_argument("--megabytes", type=int, default=64, help="of a large file")
    arguments.add_argument("--ways", default="passed,straight,bucket")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        folder = Path(folder)
        sink = running.enter_context(upstream())
        bucket = running.enter_context(buckets(folder))
        nginx = running.enter_context(Nginx(folder, sink, bucket))
        gateway = running.enter_context(Gateway(given.binary, folder, sink, bucket))
        print(f"{'MiB/s, median of ' + str(given.rounds):<44}{'nginx':>8}{'gateway':>9}   "
              f"{'ratio (least, most)':<24}processor s/GiB: nginx, gateway")
        for way in given.ways.split(","):
            for megabytes, count, at_once in [(given.megabytes, 4, 1), (5, 48, 8)]:
                beside, own = ways(way, nginx, gateway, bucket, megabytes)
                compare(f"{way}: {count} x {megabytes} MiB, {at_once} at a time", given.rounds, beside, own, count, at_once,
                        megabytes, nginx, gateway, folder)


def ways(way, nginx, gateway, bucket, megabytes):
    """How one file is sent: past nginx, past the gateway."""
    content = b"\x89PNG\r\n\x1a\n" + bytes(megabytes * MEBIBYTE - 8)
    form = Form(content)
    own = form.through(gateway.address, f"/{way}/v1/chat/upload/")
    if way == "bucket":
        return Signed(content, bucket).through(nginx.to_bucket), own
    return form.through(nginx.to_sink, "/v1/chat/upload/"), own


def compare(name, rounds, beside, own, count, at_once, megabytes, nginx, gateway, folder):
    """Both in turn, each after a round that does not count."""
    rates, used = {beside: [], own: []}, {beside: 0.0, own: 0.0}
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for number in range(rounds + 1):
            for send, proxy in [(beside, nginx), (own, gateway)]:
                before, began = proxy.processor_time(), time.monotonic()
                list(pool.map(lambda _, send=send: send(), range(count)))
                if number > 0:
                    rates[send].append(count * megabytes / (time.monotonic() - began))
                    used[send] += proxy.processor_time() - before
                for left in (folder / "buckets" / "chat").iterdir():
                    shutil.rmtree(left)
    ratios = [ours / theirs for theirs, ours in zip(rates[beside], rates[own])]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"
    gibibytes = rounds * count * megabytes / 1024
    print(f"{name:<44}{statistics.median(rates[beside]):>8.0f}{statistics.median(rates[own]):>9.0f}   {spread:<24}"
          f"{used[beside] / gibibytes:.2f}, {used[own] / gibibytes:.2f}", flush=True)


# ---- clients ----

CONNECTIONS = threading.local()
# Seconds for which a connection is used again; servers close those that wait for long.
FRESH = 2


def connection_to(address):
    """This thread's connection to an address."""
    known = CONNECTIONS.__dict__.setdefault("known", {})
    connection, used = known.get(address, (None, 0))
    if connection is None or time.monotonic() - used > FRESH:
        if connection is not None:
            connection.close()
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    known[address] = (connection, time.monotonic())
    return connection


def ask(address, method, path, body, headers):
    """A request. Gives the answer's headers and body."""
    connection = connection_to(address)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path} at {address}: {answer.status} {text[:500]}")
    CONNECTIONS.known[address] = (connection, time.monotonic())
    return answer.headers, text


class Form:
    """A file in a form, as clients of the dialect send it."""

    def __init__(self, content):
        head = (b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="view.png"\r\n'
                b"Content-Type: image/png\r\n\r\n")
        self.body = head + content + b"\r\n--boundary--\r\n"

    def through(self, address, path):
        headers = {"Content-Type": "multipart/form-data; boundary=boundary", "Authorization": f"Token {TOKEN}"}
        return lambda: ask(address, "POST", path, self.body, headers)


class Signed:
    """A file as a client of the bucket sends it: in one request, or in parts (AWS Signature Version 4)."""

    def __init__(self, content, bucket):
        self.bucket = bucket
        view = memoryview(content)
        # Hashed once: the client is not what is measured.
        self.parts = [(part, hashlib.sha256(part).hexdigest())
                      for part in (view[at:at + PART] for at in range(0, len(view), PART))]

    def through(self, address):
        def send():
            path = f"/chat/beside/{secrets.token_hex(16)}.png"
            if len(self.parts) == 1:
                self.ask(address, "PUT", path, {}, *self.parts[0])
                return
            begun = self.ask(address, "POST", path, {"uploads": ""})[1]
            upload = re.search(rb"<UploadId>([^<]+)<", begun)[1].decode()

            def put(numbered):
                number, part = numbered
                return self.ask(address, "PUT", path, {"partNumber": str(number), "uploadId": upload}, *part)[0]["ETag"]

            tags = PARTS.map(put, enumerate(self.parts, 1))
            listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                             for number, tag in enumerate(tags, 1))
            whole = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
            self.ask(address, "POST", path, {"uploadId": upload}, whole)

        return send

    def ask(self, address, method, path, query, body=b"", digest=None):
        digest = digest or hashlib.sha256(body).hexdigest()
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        headers = {"host": self.bucket, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(headers)
        listed = "".join(f"{name}:{value}\n" for name, value in headers.items())
        asked = "\n".join([method, path, query, listed, names, digest])
        scope = f"{now[:8]}/us-east-1/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(asked.encode()).hexdigest()])
        key = f"AWS4{SECRET_KEY}".encode()
        for step in [*scope.split("/"), text]:
            key = hmac.digest(key, step.encode(), "sha256")
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, "
                                    f"Signature={key.hex()}")
        return ask(address, method, f"{path}?{query}" if query else path, body, headers)


PARTS = concurrent.futures.ThreadPoolExecutor(PARTS_AT_ONCE)


# ---- what stands between ----


class Proxy:
    """A program that is ended with the measurement."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def processor_time(self):
        """Of the process and its children that run, in seconds."""
        ticks = 0
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for process in [self.process.pid, *children]:
            # After the program's name, which is in brackets: utime and stime are the fields 14 and 15 of all.
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


class Nginx(Proxy):
    def __init__(self, folder, sink, bucket):
        if not shutil.which("nginx"):
            raise SystemExit("nginx is missing: it is a package of that name")
        self.to_sink, self.to_bucket = free_address(), free_address()
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, sink=sink, bucket=bucket, to_sink=self.to_sink, to_bucket=self.to_bucket))
        super().__init__(["nginx", "-p", str(folder), "-c", str(config)])
        for address in [self.to_sink, self.to_bucket]:
            wait_for(address)


class Gateway(Proxy):
    def __init__(self, binary, folder, sink, bucket):
        # As it is, but for its limit: the same large files are to pass everywhere.
        spoken = Path(__file__).parent.parent / "dialects" / "andromedia.toml"
        (folder / "andromedia.toml").write_text(spoken.read_text().replace('"25MiB"', '"4GiB"'))
        own = f'{{ kind = "tokens", tokens = [{{ token = "{TOKEN}", party = "10", role = "store" }}] }}'
        routes = [
            ("passed", "same", "upstream", '{ kind = "upstream" }'),
            ("straight", "other", "upstream", own),
            ("bucket", "hub", "bucket", own),
        ]
        text = GATEWAY.format(folder=folder, sink=sink, bucket=bucket, access=ACCESS_KEY, secret=SECRET_KEY)
        text += "".join(ROUTE.format(name=name, to=to, uploads=uploads, auth=auth) for name, to, uploads, auth in routes)
        config = folder / "routes.toml"
        config.write_text(text)
        super().__init__([binary, "serve", "--config", str(config)], stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"listening on http://([\d.:]+)", line):
                self.address = found[1]
                # A full pipe would stop it.
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return
        raise SystemExit("the gateway did not start:\n" + "".join(said))


def free_address():
    """It cannot be asked for any free port; this one was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def wait_for(address):
    host, port = address.split(":")
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
            return
        time.sleep(0.02)
    raise SystemExit(f"nobody listens at {address}")


# ---- where it goes ----


@contextlib.contextmanager
def upstream():
    """A server that takes uploads and keeps nothing, as a process of its own. Gives its address."""
    address, said = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(said,), daemon=True)
    server.start()
    try:
        yield address.recv()
    finally:
        server.kill()


def serve(said):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as server:
        server.daemon_threads = True
        said.send("{}:{}".format(*server.server_address))
        server.serve_forever()


class Sink(socketserver.StreamRequestHandler):
    """Answers as both dialects do."""

    rbufsize = MEBIBYTE
    disable_nagle_algorithm = True

    def handle(self):
        buffer = memoryview(bytearray(MEBIBYTE))
        while self.rfile.readline():
            headers = {}
            while (line := self.rfile.readline().strip()):
                name, _, value = line.partition(b":")
                headers[name.lower()] = value.strip()
            if headers.get(b"transfer-encoding") == b"chunked":
                while (length := int(self.rfile.readline().partition(b";")[0], 16)) > 0:
                    self.skip(length, buffer)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                self.skip(int(headers.get(b"content-length", 0)), buffer)
            url = f"http://127.0.0.1/{secrets.token_hex(8)}.png"
            answer = f'{{"url": "{url}", "type": "image/png", "message": "ok", "data": {{"file": "{url}", "file_name": "view.png"}}}}'
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode())

    def skip(self, length, buffer):
        while length > 0:
            taken = self.rfile.readinto(buffer[:length])
            if not taken:
                raise ConnectionError("the body is cut")
            length -= taken


@contextlib.contextmanager
def buckets(folder):
    """A server of buckets. Gives its address."""
    program = shutil.which("s3s-fs") or shutil.which("s3s-fs", path="target/test-tools/bin")
    if not program:
        raise SystemExit("s3s-fs is missing: ./test.sh installs it")
    (folder / "buckets" / "chat").mkdir(parents=True)
    command = [program, "--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]
    server = subprocess.Popen([*command, str(folder / "buckets")], stdout=subprocess.PIPE, text=True, env={"RUST_LOG": "s3s_fs=info"})
    try:
        address = next(found[1] for line in server.stdout if (found := re.search(r"running at http://([\d.:]+)", line)))
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield address
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
