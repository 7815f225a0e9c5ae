"""The Pythons of this machine that the worker supports: programs `python3.X`, or pyenv's, whichever really runs.

No Python is downloaded: package indexes have none for every machine. Debian 12 brings 3.11, Debian 13 brings 3.13.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def pythons() -> dict[str, str]:
    """Interpreters by minor version, oldest first; the one that runs this is among them."""
    found = ((minor, next(filter(lambda path: _is(path, minor), _candidates(minor)), None)) for minor in SUPPORTED)
    return {minor: path for minor, path in found if path}


def _candidates(minor: str) -> Iterator[str]:
    if minor == RUNNING:
        yield sys.executable
    yield f"python{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{minor}.*/bin/python{minor}")))


def _is(path: str, minor: str) -> bool:
    """Whether it runs: pyenv's shims are there for versions that are not."""
    say = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        ended = subprocess.run([path, "-c", say], capture_output=True, text=True, timeout=60)
    except OSError:
        return False
    return ended.stdout.strip() == minor
