"""The operators' page in Chromium, by the keyboard: what a frame becomes, what arrives as it arrives, what it must not show."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from curl import curl
from gateway import DIALECTS
from sockets import socket

SCRIPT = Path(__file__).parent / "javascript" / "console.cjs"
CONVERSATIONS = """
[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
luxmart    = 7
guest      = { name = "Gil", room_number = "101" }
"""


class Console:
    """One tab."""

    def __init__(self):
        self.process = subprocess.Popen(["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __getattr__(self, step):
        def take(**options):
            self.process.stdin.write(json.dumps({"step": step, **options}) + "\n")
            self.process.stdin.flush()
            said = json.loads(self.process.stdout.readline())
            assert "failed" not in said, said["failed"]
            return said

        return take

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture
def console(gateway):
    tab = Console()
    try:
        assert tab.visit(url=f"{gateway.admin}/console")["status"] == 200
        tab.until(selector="#state", pattern="^ready$")
        yield tab
        assert tab.complaints() == {"complaints": []}, "the browser complains"
    finally:
        tab.stop()


def staff(gateway):
    token = gateway.token("frontdesk", "staff-1", role="staff", name="Ann", department="reception")
    return socket(f"{gateway.socket}/ws/chat/?token={token}")


def admin(gateway):
    return socket(f"{gateway.socket}/v1/chat/ws/admin/?token={gateway.token('luxmart', '2', role='admin', name='Lu')}")


def test_a_pasted_frame_is_shown_in_the_four_other_dialects(gateway, console):
    console.until(selector="#dialect", pattern="frontdesk")
    console.tab(to=".skip")
    console.press(key="Enter")
    console.tab(to="#dialect")
    console.tab(to="#frame")
    console.paste(text='{"type":"text","conversation_id":101,"content":"two towels, please"}')
    console.press(key="Control+Enter")
    console.until(selector="#verdict", pattern="This is message/text")
    assert "two towels, please" in console.until(selector="#event", pattern="dragoman.message")["text"]
    for dialect in set(DIALECTS) - {"frontdesk"}:
        shown = console.until(selector=f'[data-dialect="{dialect}"]', pattern="Its clients are told")["text"]
        assert shown.count("two towels, please") == 2, shown
        assert "An upstream of it is sent" in shown


def test_a_frame_that_is_none_says_why(gateway, console):
    console.until(selector="#dialect", pattern="frontdesk")
    console.tab(to="#frame")
    console.paste(text='{"type":"text"}')
    console.press(key="Control+Enter")
    assert console.until(selector="#verdict.bad", pattern="Refused")["text"]
    assert console.texts(selector="#results article") == {"texts": []}


def test_an_event_arrives_while_one_looks(gateway, console):
    with staff(gateway) as ann, admin(gateway) as lu:
        ann.send({"type": "text", "conversation_id": 101, "content": "words of a guest"})
        lu.until(lambda frame: "words of a guest" in json.dumps(frame))
        told = console.until(selector="#events tbody tr", pattern="told.*luxmart")["text"]
        assert "frontdesk → luxmart" in told and "message/text" in told
        assert re.match(r"\d\d:\d\d:\d\d\.\d\b", told), "the time of day"
        ann.send({"type": "nonsense"})
        assert "frontdesk" in console.until(selector="#events tbody tr", pattern="refused")["text"]
        for row in console.texts(selector="#events tbody tr")["texts"]:
            assert "words of a guest" not in row, "words are shown that nobody allowed"
        rate = console.until(selector="#traffic tbody tr", pattern="frontdesk.*luxmart")["text"]
        assert rate.split()[-1] == "1"
        assert console.until(selector="#routes tbody tr", pattern="^luxmart")["text"].split()[-2] == "1", "one socket is open"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_runs_out_of_the_window(gateway, console, tmp_path, scheme, width):
    console.until(selector="#dialect", pattern="frontdesk")
    console.tab(to="#frame")
    console.press(key="Control+Enter")
    console.until(selector="#results article", pattern="Its clients are told")
    picture = tmp_path / "console.png"
    assert console.shoot(path=str(picture), width=width, height=800, scheme=scheme)["overflow"] <= 0
    assert picture.stat().st_size > 10_000


def test_other_pages_are_not_let(gateway):
    for header in ("Host: console.example:9090", "Origin: https://site.example", "Origin: null"):
        for path in ("/console", "/console/dialects", "/console/events"):
            assert curl(f"{gateway.admin}{path}", "-H", header).status == 403, (header, path)
