"""The scripts of hack/, run as `make demo` runs them: nothing is set up in a second way."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).resolve().parents[3]
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
        assert process.stdout  # noqa: S101 - both are pipes, as asked for
        assert process.stderr  # noqa: S101
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


def adopt_tools() -> None:
    """Put the tools that hack/ installed (kubectl, kind, a fitting docker client) on this process's PATH."""
    asked = ["bash", "-c", 'source "$0" && printf %s "$PATH"', str(ROOT / "hack" / "lib.sh")]
    os.environ["PATH"] = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
