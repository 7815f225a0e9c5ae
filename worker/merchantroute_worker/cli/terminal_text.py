"""Makes text from messages safe to print: control characters are escaped, and secrets masked. Pure."""

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
    """Escape every character that is not printable, so that no text can move the cursor; line ends stay."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def masked(value: Any) -> Any:
    """Replace the values of names that mean a secret, at any depth of a JSON value."""
    if isinstance(value, Mapping):
        return {name: HIDDEN if _SECRET_NAME.search(str(name)) else masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return _USER_IN_URL.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """Replace secrets in text that is no JSON, as far as a pattern can find them."""
    return _USER_IN_URL.sub(f"{HIDDEN}@", _SECRET_IN_TEXT.sub(rf"\1{HIDDEN}", text))


def pretty(value: Any) -> str:
    """Format indented JSON; AMQP values that JSON cannot carry are written as text."""
    return printable(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


def plain(value: Any) -> str:
    """Format an AMQP value that JSON cannot carry as text."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
