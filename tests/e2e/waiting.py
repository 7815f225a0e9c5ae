"""Waiting for what a cluster does in its own time: look again and again, within a generous bound."""

import os
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")
# On machines that are busy with other things a bound is multiplied: it asserts nothing.
PATIENCE = float(os.environ.get("MR_PATIENCE", "1"))
BETWEEN_LOOKS = 0.25  # seconds


def until(
    look: Callable[[], T],
    what: str,
    within: float = 60.0,
    explain: Callable[[], object] | None = None,
    between: float = BETWEEN_LOOKS,
) -> T:
    """Look until it gives something true, and give that. AssertionError after `within` seconds, with `explain()`."""
    end = time.monotonic() + within * PATIENCE
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            told = f"\n{explain()}" if explain else ""
            raise AssertionError(f"not within {within:g} s: {what}; last seen: {found!r}{told}")
        Event().wait(between)
