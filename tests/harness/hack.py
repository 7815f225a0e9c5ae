"""Runs the scripts of hack/, the same that `make demo` runs: tests set up nothing in a way of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPLANATION = 40  # lines of progress that a failure repeats


def hack(script: str, *arguments: str, within: float, **env: str) -> str:
    """Run hack/<script> and give what it answers on stdout; its progress goes to our stderr as it comes.

    `env` is added to the environment, where something else is set up than by default.

    Raises:
        RuntimeError: it failed, or took longer than `within` seconds; the message holds its own explanation.
    """
    command = [str(ROOT / "hack" / script), *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        too_late = Timer(within, process.kill)
        too_late.start()
        told = []
        for line in process.stderr:  # ends with the script; what it answers is a few lines, which a pipe holds
            sys.stderr.write(line)
            sys.stderr.flush()
            told.append(line)
        answer = process.stdout.read()
        too_late.cancel()
    if process.returncode:
        explanation = "".join(told[-EXPLANATION:])
        raise RuntimeError(f"{' '.join([script, *arguments])} ended with {process.returncode}:\n{explanation}")
    return answer


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


def adopt_tools() -> None:
    """Put the tools that hack/ installed (kubectl, kind, a fitting docker client) on this process's PATH."""
    asked = ["bash", "-c", 'source "$0" && printf %s "$PATH"', str(ROOT / "hack" / "lib.sh")]
    os.environ["PATH"] = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
