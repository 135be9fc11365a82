"""The operators' page of a gateway that asks for a token: the page asks for it, and shows nothing before."""

import secrets

from curl import curl
from test_console import Console

TOKEN = secrets.token_hex(32)
SERVER = f'admin_token = "{TOKEN}"'


def test_the_page_asks_for_the_token(gateway):
    gateway.issued.append(TOKEN)
    tab = Console()
    try:
        assert tab.visit(url=f"{gateway.admin}/console")["status"] == 200
        tab.until(selector="#token-title", pattern="asks for a token")
        assert tab.texts(selector="#routes tbody tr") == {"texts": []}
        tab.paste(text="a wrong one")
        tab.press(key="Enter")
        tab.until(selector="#token-refused", pattern="was not taken")
        tab.paste(text=TOKEN)
        tab.press(key="Enter")
        tab.until(selector="#routes tbody tr", pattern="frontdesk")
        tab.until(selector="#dialect", pattern="frontdesk")
    finally:
        tab.stop()


def test_what_is_behind_the_page_wants_it_too(gateway):
    gateway.issued.append(TOKEN)
    for path in ("/console/dialects", "/console/events", "/metrics"):
        assert curl(f"{gateway.admin}{path}").status == 401, path
    assert curl(f"{gateway.admin}/console/dialects", token=TOKEN).status == 200
