"""Lets progress through pytest's capture to the terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def aloud(config: pytest.Config) -> Iterator[None]:
    """Let progress through to the terminal: the first set-up of a machine takes minutes, which a person must see."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        yield
        return
    with capture.global_and_fixture_disabled():
        sys.stderr.write("\n")
        yield
