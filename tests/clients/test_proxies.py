"""The gateway behind nginx and HAProxy as their packages come: who asks is the client, by X-Forwarded-For and by both
versions of the PROXY protocol, and nobody else can say so. Clients have addresses of their own on the loopback."""

import json
import shutil
import socket
import subprocess
import time

import pytest
from curl import curl
from gateway import Gateway

PROXY = "127.0.0.100"
CLIENT = "127.0.0.2"
INVENTED = "203.0.113.66"
LIST = "/api/chat/conversations/"
SECONDS = 10

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen {port};
    location / {{
      proxy_pass http://{gateway}; proxy_bind {proxy}; proxy_http_version 1.1;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""

HAPROXY = """
defaults
    mode {mode}
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend clients
    bind 0.0.0.0:{port}
    default_backend gateway
backend gateway
    source {proxy}
    {options}
    server gateway {gateway} {server}
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def behind(request, tmp_path):
    """Starts a gateway, and a proxy before it; the proxy's port and the gateway."""
    running = []

    def start(program, template, proxies, **filled):
        server = f'proxies = {{ trusted = ["{PROXY}"], {proxies} }}'
        gateway = Gateway(request.config.getoption("--binary"), tmp_path, server=server)
        running.append(gateway.__enter__())
        port = free_port()
        config = tmp_path / "proxy.conf"
        address = gateway.address.removeprefix("http://")
        config.write_text(template.format(folder=tmp_path, port=port, proxy=PROXY, gateway=address, **filled))
        arguments = ["-c", str(config), "-p", str(tmp_path)] if program == "nginx" else ["-db", "-f", str(config)]
        path = shutil.which(program) or f"/usr/sbin/{program}"
        process = subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL)
        running.append(process)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return gateway, f"http://127.0.0.1:{port}"
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, f"{program} did not start"
                time.sleep(0.05)

    yield start
    for one in reversed(running):
        if isinstance(one, Gateway):
            one.__exit__()
        else:
            one.terminate()
            one.wait(SECONDS)


def asked_by(gateway, url, *headers):
    """Whom the gateway took a request without a credential to come from, as its log says."""
    before = len(gateway.log)
    answer = curl(url + LIST, "--interface", CLIENT, *(part for header in headers for part in ("--header", header)))
    assert answer.status == 401, answer
    deadline = time.monotonic() + SECONDS
    while not (lines := [line for line in gateway.log[before:] if '"message":"refused"' in line]):
        assert time.monotonic() < deadline, gateway.tail()
        time.sleep(0.05)
    return json.loads(lines[0])["client"]


INVENTIONS = [f"X-Forwarded-For: {INVENTED}", f"Forwarded: for={INVENTED}"]


def test_nginx(behind):
    gateway, url = behind("nginx", NGINX, 'headers = "x-forwarded"')
    assert asked_by(gateway, url) == CLIENT
    assert asked_by(gateway, url, *INVENTIONS) == CLIENT
    # Who comes past the proxy is believed nothing.
    assert asked_by(gateway, gateway.address, *INVENTIONS) == CLIENT


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_haproxy_by_the_proxy_protocol(behind, version):
    proxies = 'headers = "none", proxy_protocol = true'
    gateway, url = behind("haproxy", HAPROXY, proxies, mode="tcp", options="", server=version)
    assert asked_by(gateway, url) == CLIENT
    assert asked_by(gateway, url, *INVENTIONS) == CLIENT


def test_haproxy_by_headers(behind):
    gateway, url = behind("haproxy", HAPROXY, 'headers = "x-forwarded"', mode="http", options="option forwardfor", server="")
    assert asked_by(gateway, url) == CLIENT
    assert asked_by(gateway, url, *INVENTIONS) == CLIENT
