"""The pod of the chart as a process on this machine: the real gateway with the files and the variables that the chart gives
it, asked as the kubelet, Prometheus and `kubectl exec` ask. In: values. Out: statuses and exit codes."""

import os
import re
import socket
import subprocess
import time

import pytest

from pod import KEYS, lay_out, pod, token
from rendering import render

SECONDS = 20
# The example of docs/kubernetes.md.
TLS = {
    "tls": {"secretName": "chat-tls"},
    "admin": {
        "token": {"create": True},
        "tls": {
            "secretName": "chat-admin-tls",
            "clientCA": {"secretName": "operators", "key": "ca.crt"},
            "clientNames": ["prometheus.monitoring"],
        },
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}


def free_port():
    """One that was free a moment ago: a container has its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Running:
    def __init__(self, values, folder):
        self.manifests = render(values)
        (container,) = pod(self.manifests)["containers"]
        self.variables = lay_out(self.manifests, folder)
        # All that differs from the pod: ports, and where the config lies.
        for name in ("LISTEN", "ADMIN"):
            self.variables[f"DRAGOMAN_SERVER__{name}"] = f"0.0.0.0:{free_port()}"
        self.variables["DRAGOMAN_CONFIG"] = str(folder / "routes.toml")
        self.admin = self.variables["DRAGOMAN_SERVER__ADMIN"].replace("0.0.0.0", "127.0.0.1")
        self.probes = [container[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
        self.log = folder / "log"

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen([os.environ["DRAGOMAN_BINARY"], "serve"], env=self.variables, stderr=log)
        deadline = time.monotonic() + SECONDS
        while "admin on " not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0

    def dragoman(self, *arguments):
        command = [os.environ["DRAGOMAN_BINARY"], *arguments]
        return subprocess.run(command, env=self.variables, capture_output=True, text=True, check=False, timeout=SECONDS)

    def status(self, scheme, path, *arguments):
        command = ["curl", "--silent", "--noproxy", "*", "--output", os.devnull, "--write-out", "%{http_code}"]
        said = subprocess.run([*command, *arguments, f"{scheme}://{self.admin}{path}"], capture_output=True, text=True, check=False)
        return int(said.stdout)


@pytest.mark.parametrize(
    ("values", "asks"),
    [({}, False), ({"admin": {"token": {"create": True}}}, True), (TLS, True)],
    ids=["as it is", "a token", "TLS"],
)
def test_it_is_asked_as_in_a_cluster(values, asks, tmp_path):
    with Running(values, tmp_path) as running:
        scheme = {probe["scheme"].lower() for probe in running.probes}.pop()
        for probe in running.probes:
            # A kubelet trusts whatever certificate is shown, and shows none.
            assert running.status(scheme, probe["path"], "--insecure") == 200
        trust = ["--cacert", str(KEYS / "localhost.pem")]
        bearer = ["--header", f"Authorization: Bearer {token(running.manifests).decode()}"]
        assert running.status(scheme, "/metrics", *trust) == (401 if asks else 200)
        assert running.status(scheme, "/metrics", *trust, *bearer) == 200
        assert running.status(scheme, "/console/dialects", *trust, *bearer) == (200 if asks else 403)
        assert running.dragoman("healthcheck").stdout == "ready\n"
        backup = running.dragoman("journal", "backup", str(tmp_path / "monday.journal"))
        assert (backup.returncode == 0) == asks, backup.stderr
        assert not re.search(re.escape(token(running.manifests).decode()), running.log.read_text())
