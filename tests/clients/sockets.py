"""Python's websockets as a client. In: a URL. Out: a socket that waits for frames with a deadline."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

SECONDS = 5


class Socket:
    """One connection; what arrives is text."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, frame):
        self.connection.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))

    def receive(self):
        """The next frame, whatever it is."""
        text = self.connection.recv(timeout=SECONDS)
        assert isinstance(text, str), "a binary frame"
        return text

    def until(self, wanted):
        """The next frame that `wanted` accepts; presence and the like are passed over."""
        while True:
            text = self.receive()
            if wanted(json.loads(text)):
                return text

    def closed(self):
        """Waits for the end, and says its code."""
        with pytest.raises(ConnectionClosed) as end:
            while True:
                self.receive()
        return end.value.rcvd.code if end.value.rcvd else 1006


@contextlib.contextmanager
def socket(url, **options):
    with connect(url, proxy=None, open_timeout=SECONDS, close_timeout=SECONDS, **options) as connection:
        yield Socket(connection)


def refused(url, **options):
    """The HTTP answer of a handshake that must fail."""
    with pytest.raises(InvalidStatus) as refusal, socket(url, **options):
        pass
    return refusal.value.response
