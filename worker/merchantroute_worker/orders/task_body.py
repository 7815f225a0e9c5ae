"""The body of the built-in task, Celery's protocol 2 in JSON: `[args, {"order": {…}}, embed]`. Pure.

The order is passed on as the text that its producer wrote. JSON that is parsed and written again keeps its meaning at
best: 19.90 becomes 19.9, a number of twenty digits loses the last ones, of two equal keys one is left, and a signature
over the text fits no longer. So parsing only finds where the parts are, and a new embed is put in the old one's place.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

MAX_DEPTH = 200
_SPACE: Any = re.compile(r"[ \t\n\r]*").match  # it always matches, which its type does not say
_USUAL_BEGIN = re.compile(r'\[\[\], ?\{"order": ?(?=\{)').match
_USUAL_END = re.compile(r"\}, ?").match
_Arguments = tuple[Any, dict[str, tuple[Any, int, int]], int]


class Undecodable(ValueError):
    """The body is not JSON."""


class Malformed(ValueError):
    """The message is JSON but not an order; the text says what is wrong."""


class TaskBody(NamedTuple):
    """The parts of a body. `order` is the order as its producer wrote it; `before` and `after` are the text around the
    embed.
    """

    order: bytes
    before: bytes
    embed: Mapping[str, Any]
    after: bytes

    def with_embed(self, embed: Mapping[str, Any]) -> bytes:
        """The body with another embed, the same bytes otherwise."""
        return b"".join((self.before, dump(embed), self.after))


def dump(document: Any) -> bytes:
    """Encode JSON. ASCII, because it may contain unpaired surrogates, which UTF-8 has no form for."""
    return _ENCODE(document).encode("ascii")


def parse(body: bytes) -> TaskBody:
    """Find the parts of a body. Undecodable or Malformed say why it has others."""
    try:
        text = body.decode("utf-8")
        try:
            return _parts(text)
        except _OtherShape:
            document = _DECODE(text)
            _check_depth(text, document)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"the body is not JSON: {error}") from None
    raise Malformed(_fault(document))


class _OtherShape(Exception):
    """The text is no JSON, or JSON of another shape."""


def _parts(text: str) -> TaskBody:
    args, kwargs, embed_at = _usual_arguments(text) or _arguments(text)
    embed, embed_end = _RAW_DECODE(text, embed_at)
    order, begin, end = kwargs.get("order", _NOTHING)
    if _past(text, embed_end, "]") != len(text) or type(order) is not dict or not isinstance(embed, dict | None):
        raise _OtherShape
    _check_depth(text, [args, *([value] for value, _, _ in kwargs.values()), embed])
    return TaskBody(
        order=text[begin:end].encode(),
        before=text[:embed_at].encode(),
        embed=embed or {},
        after=text[embed_end:].encode(),
    )


def _usual_arguments(text: str) -> _Arguments | None:
    """The arguments where there is none but the order, which is how every producer writes them; None otherwise."""
    if begins := _USUAL_BEGIN(text):
        begin = begins.end()
        order, end = _SCAN(text, begin)
        if ends := _USUAL_END(text, end):
            return [], {"order": (order, begin, end)}, ends.end()
    return None


def _arguments(text: str) -> _Arguments:
    """The positional arguments, the members of the keyword arguments, and the place where the embed begins."""
    at = _past(text, 0, "[")
    if text.startswith("]", at):
        raise _OtherShape
    args, at = _SCAN(text, at)
    kwargs, at = _members(text, _past(text, at, ","))
    return args, kwargs, _past(text, at, ",")


def _members(text: str, at: int) -> tuple[dict[str, tuple[Any, int, int]], int]:
    """The members of the object at this place: each one's value and where that begins and ends; and the object's end.
    Of equal names the last one counts, as in Python.
    """
    members: dict[str, tuple[Any, int, int]] = {}
    at = _past(text, at, "{")
    while text.startswith('"', at):
        name, at = _SCAN(text, at)
        begin = _past(text, at, ":")
        value, end = _SCAN(text, begin)
        members[name] = (value, begin, end)
        at = _SPACE(text, end).end()
        if text.startswith("}", at):
            return members, at + 1
        at = _past(text, at, ",")
    raise _OtherShape


def _past(text: str, at: int, character: str) -> int:
    """The place after this character and the spaces around it."""
    if not text.startswith(character, at):
        at = _SPACE(text, at).end()
        if not text.startswith(character, at):
            raise _OtherShape
    return _SPACE(text, at + 1).end()


def _fault(document: Any) -> str:
    """What is wrong with the shape of a body that is JSON."""
    if not isinstance(document, list) or len(document) != 3:
        return "the body must be [args, kwargs, embed], as Celery's protocol 2 has it"
    _, kwargs, embed = document
    if not isinstance(kwargs, dict):
        return f"the task's keyword arguments must be a JSON object, they are {_kind(kwargs)}"
    if not isinstance(embed, dict | None):
        return f"the body's embed must be a JSON object, it is {_kind(embed)}"
    return f"the task's argument `order` must be a JSON object, it is {_kind(kwargs.get('order'))}"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "missing"}
    return names.get(type(value), "a number")


def _check_depth(text: str, document: Any) -> None:
    """Whatever is taken must be readable at any depth of the stack later, by merchants too."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(document) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} deep")


def _depth(document: Any) -> int:
    level, depth = [document], 0
    while level:
        depth += 1
        inner = [list(value.values()) if isinstance(value, dict) else value for value in level]
        level = [child for values in inner if isinstance(values, list) for child in values]
    return depth


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits[:40]} is beyond what a number can be")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_NOTHING = (None, 0, 0)
# Created once: json.dumps and json.loads create theirs again for each order.
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
_DECODE = json.JSONDecoder(parse_constant=_refuse_constant).decode
# The embed is written again, so that its numbers must be Python's.
_RAW_DECODE = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).raw_decode
# All else is not: its numbers may be of any size, and are not converted.
_SCAN = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=str, parse_int=str).raw_decode
