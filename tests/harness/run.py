"""What the processes of one run share: a folder, locks in it, and what one of them has set up for all.

A run is one pytest process with the workers that pytest-xdist starts for it and the patched processes below them. The
first one makes the folder and names it in the environment, which the others inherit; it removes it at its end, and
what was set up with it.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = "MR_TEST_RUN"  # in the environment of every process of the run
LEADER = "MR_TEST_LEADER"  # the process id of the first one
PATIENCE = "MR_PATIENCE"  # by what the bounds of waiting are multiplied
BUSY = "3"
LEADS = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run, in a process that nobody has started as part of one."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="merchantroute-run-")
        os.environ[LEADER] = str(os.getpid())
        os.environ.setdefault(PATIENCE, BUSY)
        config.stash[LEADS] = True


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End it, after everybody has removed what they had set up."""
    if leads(config):
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)
        del os.environ[LEADER]


def leads(config: pytest.Config) -> bool:
    """Whether this process began the run: it removes what the run leaves behind."""
    return config.stash.get(LEADS, False)


def leader() -> str:
    """The process id of the run's first process; containers carry it, so that those of killed runs can be told."""
    return os.environ[LEADER]


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Be the only process of the run in a block of this name; the lock of a process that dies is free."""
    with (Path(os.environ[FOLDER]) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def once(name: str, make: Callable[[], Any]) -> Any:
    """What `make` gave, in whichever process of the run asked first; all others wait for it.

    The value travels as JSON. A failure is everybody's, too: nobody spends minutes on trying the same again.

    Raises:
        RuntimeError: `make` failed, here or in another process; with its own words.
    """
    with alone(name):
        if (found := made(name)) is None:
            try:
                found = {"value": make()}
            except Exception as error:
                found = {"failed": f"{type(error).__name__}: {error}"}
                raise
            finally:
                if found is not None:
                    _file(name).write_text(json.dumps(found))
    if "failed" in found:
        raise RuntimeError(f"{name} was not set up: {found['failed']}")
    return found["value"]


def made(name: str) -> dict[str, Any] | None:
    """What has become of `once(name, ...)`, under `value` or `failed`; None as long as nobody has asked."""
    try:
        found: dict[str, Any] = json.loads(_file(name).read_text())
    except FileNotFoundError:
        return None
    return found


def _file(name: str) -> Path:
    return Path(os.environ[FOLDER]) / f"{name}.json"
