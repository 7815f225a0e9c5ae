"""Patterns of merchant ids: ``*`` stands for any run of characters, everything else for itself."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Whether ``text`` is one of those that ``pattern`` means; one pass, however many stars there are."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, end = rest
    if not text.startswith(first) or not text.endswith(end) or len(text) < len(first) + len(end):
        return False
    at, stop = len(first), len(text) - len(end)
    for part in middle:
        found = text.find(part, at, stop)
        if found < 0:
            return False
        at = found + len(part)
    return True
