"""Texts of bounded length for messages."""

from __future__ import annotations

from collections.abc import Iterable

MESSAGE = 1000  # characters; a status with thousands of merchants must stay small
SHOWN = 5


def some(things: Iterable[str], separator: str = ", ") -> str:
    """The first few, and how many more there are."""
    listed = list(things)
    more = len(listed) - SHOWN
    return separator.join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def bounded(text: str) -> str:
    """A message that fits."""
    return text if len(text) <= MESSAGE else text[: MESSAGE - 1] + "…"
