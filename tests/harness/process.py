"""A patched process as its parent sees it: lines that arrive, an end, and what it printed."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CHILD = "MR_PATCHED_CHILD"  # set in the environment of a patched process
LAST_WORDS = 4000  # characters of output that explain a crash
GOODBYE = 30.0  # seconds for a child to end after its last test


class PatchedProcess:
    """One `python -m tests.harness.child` and the pipe that it reports on."""

    def __init__(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process, see close()
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.child", str(write), *arguments],
            cwd=cwd,
            env={**os.environ, **env, CHILD: "1"},
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        os.close(write)
        self.pipe = read
        self.pending = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(read, selectors.EVENT_READ)

    def message(self, *, within: float) -> dict[str, Any] | None:
        """Wait for the next line; None when the pipe has closed.

        Raises:
            TimeoutError: nothing was said for `within` seconds.
        """
        until = time.monotonic() + within
        while b"\n" not in self.pending:
            if not self.selector.select(max(0.0, until - time.monotonic())):
                raise TimeoutError(f"the patched process said nothing for {within:.0f} s")
            chunk = os.read(self.pipe, 1 << 16)
            if not chunk:
                return None
            self.pending += chunk
        line, self.pending = self.pending.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def end(self) -> int:
        """Wait for the process, kill it when it does not end, and give its status."""
        try:
            return self.process.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self) -> None:
        """Leave nothing behind: no process, no descriptors."""
        self.process.kill()
        self.process.wait()
        self.selector.close()
        os.close(self.pipe)
        self.output.close()

    def last_words(self) -> str:
        """What it printed last: the only trace of a crash."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace")[-LAST_WORDS:]
