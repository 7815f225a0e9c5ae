"""Captures: values that a step keeps of its answer, for the steps after it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from merchantroute_worker.orders.steps.json_text import NotJson, read_json, write_json
from merchantroute_worker.orders.steps.pointer import MISSING, Pointer, follow, parse_pointer

LARGEST_CAPTURE = 1024
"""Bytes of one captured value in JSON: it travels with its order."""
RESERVED = frozenset({"order_id", "merchant", "order", "fields"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}").fullmatch
HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}").fullmatch
"""A header's name (RFC 9110, token), as far as steps may write and read it."""


class AnswerContent(NamedTuple):
    """An answer's headers (names in lower case), and its body; `whole` unless only a part of it was read."""

    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class Source(NamedTuple):
    """A place in an answer: a JSON pointer into its body, or a header."""

    pointer: Pointer | None
    name: str
    """As it was written, for people: the pointer, or the header's name."""


class Capture(NamedTuple):
    """One captured value. Without it in the answer, `default` is taken, and where there is none and it is required, the
    step has not succeeded.
    """

    name: str
    source: Source
    required: bool = True
    default: Any = MISSING


class Uncaptured(ValueError):
    """A value that was to be captured is not there; the text says which one, and nothing of the answer."""


class AnswerValues:
    """Looks up values of one answer. Its body is parsed when the first pointer asks for a part of it."""

    def __init__(self, content: AnswerContent | None) -> None:
        self._content = content or AnswerContent({}, b"")
        self._document: Any = MISSING

    def find(self, source: Source) -> Any:
        """The value; MISSING where there is none. Uncaptured when the body cannot be read at all."""
        if source.pointer is None:
            return self._content.headers.get(source.name.lower(), MISSING)
        if self._document is MISSING:
            if not self._content.whole:
                raise Uncaptured("the answer is too long to be read")
            try:
                self._document = read_json(self._content.body)
            except NotJson as error:
                raise Uncaptured(f"the answer cannot be read: {error}") from None
        return follow(self._document, source.pointer)


def parse_source(document: Mapping[str, Any]) -> Source:
    """Parse `{json: /pointer}` or `{header: Name}`."""
    if ("json" in document) == ("header" in document):
        raise ValueError("write one of json and header")
    if "json" in document:
        return Source(parse_pointer(document["json"]), document["json"] or "the whole body")
    name = document["header"]
    if not isinstance(name, str) or not HEADER_NAME(name):
        raise ValueError(f"no header can be called {name!r}")
    return Source(None, name)


def parse_captures(document: Mapping[str, Mapping[str, Any]]) -> tuple[Capture, ...]:
    """Parse a step's `capture`; ValueError says what is wrong."""
    return tuple(_capture(name, each) for name, each in document.items())


def _capture(name: str, document: Mapping[str, Any]) -> Capture:
    if not _NAME(name) or name in RESERVED:
        raise ValueError(f"no captured value can be called {name!r}")
    default = document.get("default", MISSING)
    if default is not MISSING and len(write_json(default)) > LARGEST_CAPTURE:
        raise ValueError(f"the default of {name} is larger than {LARGEST_CAPTURE} bytes")
    return Capture(name, parse_source(document), document.get("required", True) is True, default)


def capture_all(captures: tuple[Capture, ...], answer: AnswerValues) -> dict[str, Any]:
    """The captured values of an answer; Uncaptured where one is missing that is required, or one is too large."""
    return {
        name: value for name, value in ((each.name, _value(each, answer)) for each in captures) if value is not MISSING
    }


def _value(capture: Capture, answer: AnswerValues) -> Any:
    try:
        value = answer.find(capture.source)
    except Uncaptured:
        if capture.required and capture.default is MISSING:
            raise
        value = MISSING
    if value is MISSING or value is None:
        if capture.default is not MISSING:
            return capture.default
        if capture.required:
            raise Uncaptured(f"{capture.name} is missing: the answer has no {capture.source.name}")
        return MISSING
    try:
        size = len(write_json(value))
    except ValueError:
        raise Uncaptured(f"{capture.name} cannot be kept: it is a number beyond every range") from None
    if size > LARGEST_CAPTURE:
        raise Uncaptured(f"{capture.name} cannot be kept: it is larger than {LARGEST_CAPTURE} bytes")
    return value


def defaults(captures: tuple[Capture, ...]) -> dict[str, Any]:
    """What a step that is not called leaves: its defaults."""
    return {each.name: each.default for each in captures if each.default is not MISSING}
