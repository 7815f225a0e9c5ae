"""Text of strangers made fit for a terminal: nothing in it can move the cursor, and nothing of it is a secret. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

HIDDEN = "(hidden)"
_NAMES = (
    r"authori[sz]ation|passw|secret|token|api[-_]?key|credential|cookie|signature|private[-_]?key"
    r"|card[-_]?number|cvv|cvc|\biban\b"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    rf"""([\w-]*(?:{_NAMES})[\w-]*["']?\s*[:=]\s*)(?:"[^"]*"?|'[^']*'?|[^,;&}}\n]+)""", re.IGNORECASE
)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


def printable(text: str) -> str:
    """The text with everything that is no visible character written as an escape; line ends stay."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def masked(value: Any) -> Any:
    """The JSON value with whatever its name makes a secret replaced, at any depth."""
    if isinstance(value, Mapping):
        return {name: HIDDEN if _SECRET_NAME.search(str(name)) else masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return _USER_IN_URL.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """The same for text that has no structure to go by, as well as that can be done."""
    return _USER_IN_URL.sub(f"{HIDDEN}@", _SECRET_IN_TEXT.sub(rf"\1{HIDDEN}", text))


def pretty(value: Any) -> str:
    """JSON for people; values of AMQP that JSON does not know are written as text."""
    return printable(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


def plain(value: Any) -> str:
    """An AMQP value without a form in JSON, as text."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
