"""Runs the scripts of hack/, the same that `make demo` runs: tests set up nothing in a way of their own."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def hack(script: str, *arguments: str, within: float) -> str:
    """Run hack/<script> and give what it answers on stdout; its progress goes to our stderr as it comes.

    Raises:
        RuntimeError: it failed; the message holds the script's own explanation (step, why, what to do).
    """
    command = [str(ROOT / "hack" / script), *arguments]
    ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within)
    if ended.returncode:
        raise RuntimeError(f"{script} {' '.join(arguments)} failed:\n{ended.stderr[-4000:]}")
    return ended.stdout


def adopt_tools() -> None:
    """Put the tools that hack/ installed (kubectl, kind, a fitting docker client) on this process's PATH."""
    asked = ["bash", "-c", 'source "$0" && printf %s "$PATH"', str(ROOT / "hack" / "lib.sh")]
    os.environ["PATH"] = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
