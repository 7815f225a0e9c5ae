"""Waiting for conditions, bounded."""

import os
import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")
# On machines that are busy with other things a bound is multiplied: it asserts nothing.
PATIENCE = float(os.environ.get("MR_PATIENCE", "1"))
BETWEEN_LOOKS = 0.05


def until(condition: Callable[[], T], what: str, seconds: float = 30.0) -> T:
    """Ask until the condition gives something true; AssertionError says what was waited for."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last seen: {found!r}")
        Event().wait(BETWEEN_LOOKS)
