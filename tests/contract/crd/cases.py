"""One line per thing that the API server refuses: what was written, which field it names, and words of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Refused(NamedTuple):
    """Changes to the smallest route (``routes.route``), the field that the answer names, and what it must say."""

    changes: Mapping[str, Any]
    field: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        path, value = next(iter(self.changes.items()))
        return f"{path}={str(value)[:40]!r}"


def refused(path: str, value: object, *words: str, at: str = "", also: Mapping[str, Any] | None = None) -> Refused:
    """A case of one change; the field named is ``path`` itself unless ``at`` says another."""
    named = at or "".join(f"[{key}]" if key.isdigit() else f".{key}" for key in path.split(".")).lstrip(".")
    return Refused({path: value, **(also or {})}, named, words)
