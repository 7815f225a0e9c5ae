"""JSON pointers (RFC 6901), parsed once and followed in each document.

Written here since a pod follows them on every order, and the standard is these few lines; a test holds them to the
library `jsonpointer`.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

Pointer = tuple[str, ...]
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch
_BARE_TILDE = re.compile(r"~(?![01])").search


class Missing:
    """The type of MISSING: there is no value, which is not the same as null."""

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "MISSING"  # pickled as a name, so that it stays one object in every process


MISSING: Final = Missing()


def parse_pointer(text: str) -> Pointer:
    """Parse a pointer, such as /data/id; the empty one means the whole document. ValueError says what is wrong."""
    if not text:
        return ()
    if not text.startswith("/"):
        raise ValueError(f"the JSON pointer {text!r} does not begin with '/'")
    if _BARE_TILDE(text):
        raise ValueError(f"the JSON pointer {text!r} holds a '~' that is neither ~0 (a tilde) nor ~1 (a slash)")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text[1:].split("/"))


def follow(document: Any, pointer: Sequence[str]) -> Any:
    """The value at this place of a parsed JSON document; MISSING where there is none."""
    for token in pointer:
        if isinstance(document, dict):
            document = document.get(token, MISSING)
        elif isinstance(document, list) and _INDEX(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return MISSING
    return document
