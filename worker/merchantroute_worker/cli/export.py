"""Letters written to a file before they are dropped: one line of JSON each, whole, secrets and all."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from merchantroute_worker.cli.dead_letter import Letter
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.table import summary
from merchantroute_worker.cli.terminal_text import plain

OWNER_ONLY = 0o600


class Save:
    """Appends letters to a file; `write` returns when the disk has them."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write(self, letters: Iterable[Letter]) -> None:
        """Problem when they are not safely written."""
        data = b"".join(json.dumps(_line(letter), default=plain).encode() + b"\n" for letter in letters)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise Problem(f"{self._path} cannot be written: {error.strerror}; what was not dropped yet stays") from None


@contextmanager
def saving(path: Path | None) -> Iterator[Save | None]:
    """The file, open for the time of the block; None without a path. Only its owner may read a new one."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    except OSError as error:
        raise Problem(f"{path} cannot be opened: {error.strerror}; nothing was dropped") from None
    try:
        yield Save(path, descriptor)
    finally:
        os.close(descriptor)


def _line(letter: Letter) -> dict[str, Any]:
    body = letter.message.body
    try:
        content = {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        content = {"bodyBase64": base64.b64encode(body).decode("ascii")}
    return {
        **summary(letter),
        "properties": dict(letter.message.properties),
        "headers": dict(letter.message.headers),
        **content,
    }
