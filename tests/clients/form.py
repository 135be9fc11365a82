"""Compares JSON with what a document shows: the same keys in the same order, the same values; holes where they vary."""

import json
import re


class Hole:
    """Stands for a value that varies: a pattern it must have, or a type it must be."""

    def __init__(self, name, test):
        self.name, self.test = name, test

    def __repr__(self):
        return f"<{self.name}>"


def matching(pattern):
    whole = re.compile(pattern)
    return Hole(pattern, lambda value: isinstance(value, str) and whole.fullmatch(value) is not None)


ANY = Hole("anything", lambda value: True)
INTEGER = Hole("integer", lambda value: isinstance(value, int) and not isinstance(value, bool))
TEXT = Hole("text", lambda value: isinstance(value, str) and value != "")
UUID = matching(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECONDS_Z = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MILLISECONDS_Z = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MICROSECONDS_Z = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MICROSECONDS_OFFSET = matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def like(value, hole):
    """Whether a value fits a hole."""
    return hole.test(value)


def same(actual, expected):
    """Parses `actual` (JSON text), compares it with `expected`, and returns what was parsed."""
    parsed = json.loads(actual) if isinstance(actual, (str, bytes, bytearray)) else actual
    differences = list(compare("$", parsed, expected))
    assert not differences, "\n".join([*differences, f"in {json.dumps(parsed, ensure_ascii=False)}"])
    return parsed


def compare(path, actual, expected):
    if isinstance(expected, Hole):
        if not expected.test(actual):
            yield f"{path}: {actual!r} is not {expected}"
    elif isinstance(expected, dict) and isinstance(actual, dict):
        if list(actual) != list(expected):
            yield f"{path}: keys {list(actual)}, documented {list(expected)}"
        for key in expected.keys() & actual.keys():
            yield from compare(f"{path}.{key}", actual[key], expected[key])
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(actual) != len(expected):
            yield f"{path}: {len(actual)} items, expected {len(expected)}"
        for index, pair in enumerate(zip(actual, expected)):
            yield from compare(f"{path}[{index}]", *pair)
    elif type(actual) is not type(expected) or actual != expected:
        yield f"{path}: {actual!r}, expected {expected!r}"
