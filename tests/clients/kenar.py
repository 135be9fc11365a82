"""Divar's published Python SDK as a client: the requests that it makes, header by header, and what it takes for an answer.

Made from what the SDK sent to a listening server (docs/real-clients.md); nothing of it is here. Its models are strict:
a member of another type, or a word outside an enumeration, is an error, and so is an answer that is not JSON; a success
other than 200 has no result at all.
"""

import datetime
import http.client
import json
import urllib.parse

SECONDS = 10
AGENT = "OpenAPI-Generator/0.1.0/python"
TYPES = ("TEXT", "IMAGE", "FILE", "VOICE", "LOCATION", "VIDEO", "CONTACT")


class Refused(Exception):
    """A status that the SDK raises on."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Unreadable(Exception):
    """An answer that the SDK's models do not take."""


def text(value):
    if not isinstance(value, str):
        raise Unreadable(f"{value!r} is no text")


def integer(value):
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"{value!r} is no integer")


def number(value):
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Unreadable(f"{value!r} is no number")


def moment(value):
    """RFC 3339; an integer would be taken for seconds and is out of range in microseconds."""
    text(value)
    datetime.datetime.fromisoformat(value)


def word(*known):
    def check(value):
        if value not in known:
            raise Unreadable(f"{value!r} is none of {known}")
    return check


def model(needed=(), **members):
    """An object: these members, if there, are null or of their type; others are passed over."""
    def check(value):
        if not isinstance(value, dict):
            raise Unreadable(f"{value!r} is no object")
        if missing := set(needed) - set(value):
            raise Unreadable(f"{missing} is missing")
        for name, of_type in members.items():
            if value.get(name) is not None:
                of_type(value[name])
            elif name in needed:
                raise Unreadable(f"{name} is null")
    return check


def many(of_type):
    def check(value):
        if not isinstance(value, list):
            raise Unreadable(f"{value!r} is no list")
        for one in value:
            of_type(one)
    return check


CONVERSATION = model(id=text, post_token=text, type=word("POST", "BOT"))
MESSAGE = model(
    id=text, conversation=CONVERSATION, type=word(*TYPES), sent_at=moment, text=text,
    sender=model(side=word("BUYER", "SELLER"), type=word("HUMAN", "BOT")),
    image_data=model(link=text, size_bytes=text, height_px=integer, width_px=integer),
    file_data=model(link=text, name=text, size_bytes=text),
    voice_data=model(link=text, size_bytes=text),
    video_data=model(link=text, thumbnail_link=text, size_bytes=text),
    location_data=model(latitude=number, longitude=number),
    contact_data=model(name=text, phone=text),
)
HISTORY = model(needed=("conversation", "messages"), conversation=CONVERSATION, messages=many(MESSAGE))
SENT = model(status=integer, message=text)
BOT_SENT = model(conversation_id=text)
GRANT = model(token=text)
NOTHING = model()


class Kenar:
    """One configured API client: a key, and perhaps a user's token."""

    def __init__(self, address, key, token=None):
        self.host = urllib.parse.urlsplit(address).netloc
        self.key, self.token = key, token

    def send(self, conversation, message, media_token=None, sender_buttons=None, receiver_buttons=None):
        body = {"media_token": media_token, "message": message, "receiver_buttons": receiver_buttons, "sender_buttons": sender_buttons}
        return self._call("POST", f"/v2/open-platform/conversations/{quoted(conversation)}/messages", SENT, body)

    def bot_send(self, conversation, text_message, media_token=None, buttons=None, user_id=None, path="/v1/open-platform/chat/bot/conversations"):
        body = {"buttons": buttons, "media_token": media_token, "text_message": text_message, "user_id": user_id}
        return self._call("POST", f"{path}/{quoted(conversation)}/messages", BOT_SENT, body)

    def grant(self):
        # The call is described with the key alone.
        return self._call("POST", "/experimental/open-platform/chat/upload", GRANT, {}, token=None)

    def upload(self, kind, name, mime, data):
        """The second step, which the SDK has no call for: its own form encoder and connection, by hand."""
        boundary = "8f14e45fceea167a5a36dedd4bea2543"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {mime}\r\n\r\n'
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Authorization": f"Bearer {self.grant()['token']}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._exchange("POST", f"/upload/{kind}", model(id=text, status=text), headers, body)

    def read(self, conversation):
        return self._call("GET", f"/v1/open-platform/chat/conversations/{quoted(conversation)}", HISTORY)

    def subscribe(self, event_type, resource=None, metadata=None):
        body = {"event_resource_id": resource, "event_type": event_type, "metadata": metadata}
        return self._call("POST", "/v1/open-platform/events/subscriptions", NOTHING, body)

    def _call(self, method, path, result, body=None, token=...):
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            # What was not given is left out.
            body = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
        headers |= {"User-Agent": AGENT, "X-API-Key": self.key}
        token = self.token if token is ... else token
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self._exchange(method, path, result, headers, body)

    def _exchange(self, method, path, result, headers, body):
        connection = http.client.HTTPConnection(self.host, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = answer.read().decode()
        finally:
            connection.close()
        if not 200 <= answer.status <= 299:
            raise Refused(answer.status, told)
        if answer.status != 200:
            return None
        if not answer.headers.get("Content-Type", "").lower().startswith("application/json"):
            raise Unreadable(f"the content type is {answer.headers.get('Content-Type')!r}")
        parsed = json.loads(told)
        result(parsed)
        return parsed


def quoted(part):
    return urllib.parse.quote(part, safe="")
