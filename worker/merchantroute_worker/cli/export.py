"""Export of dead letters before they are dropped: one line of JSON each, complete, with the secrets in them."""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.table import summary
from merchantroute_worker.cli.terminal_text import plain

OWNER_ONLY = 0o600


class ExportFile:
    """Appends letters to a file; `write` returns after fsync."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write(self, letters: Iterable[DeadLetter]) -> None:
        """Append letters. Problem when they are not on disk."""
        data = b"".join(json.dumps(_entry(letter), default=plain).encode() + b"\n" for letter in letters)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise Problem(f"{self._path} cannot be written: {error.strerror}; what was not dropped yet stays") from None


@contextmanager
def export_file(path: Path | None) -> Iterator[ExportFile | None]:
    """Open the file for the time of the block; None without a path. Only its owner may read a new one."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    except OSError as error:
        raise Problem(f"{path} cannot be opened: {error.strerror}; nothing was dropped") from None
    try:
        yield ExportFile(path, descriptor)
    finally:
        os.close(descriptor)


def _entry(letter: DeadLetter) -> dict[str, Any]:
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
