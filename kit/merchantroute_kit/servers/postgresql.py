"""A PostgreSQL of a test's own: the distribution's programs, a data directory in /tmp, a port of loopback."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from merchantroute_kit.servers.hack import hack
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

SYSTEM_USER = "postgres"  # the package makes it; PostgreSQL refuses to run as root
USER = "shop"


@contextmanager
def postgresql() -> Iterator[str]:
    """Start one with an empty database for the time of the block; gives its URL, without a password."""
    programs = Path(hack("postgresql-bin", within=600).strip())
    data = Path(tempfile.mkdtemp(prefix="merchantroute-postgresql-"))
    port = free_port()
    try:
        _own(data)
        _run(programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        server = [programs / "postgres", "-D", data, "-k", data, "-h", "127.0.0.1", "-p", port, "-F"]
        with (data / "log").open("wb") as log:
            process = subprocess.Popen([*_as_user(), *map(str, server)], stdout=log, stderr=log)
        try:
            ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
            until(
                lambda: subprocess.run(ready, capture_output=True).returncode == 0, "PostgreSQL to accept connections"
            )
            _run(programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", USER, "shop")
            yield f"postgresql://{USER}@127.0.0.1:{port}/shop"
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for clients
            process.wait(60)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def new_database(url: str) -> str:
    """Make an empty database beside the one that ``url`` names; gives its URL."""
    name = f"shop_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return url.rpartition("/")[0] + f"/{name}"


def _as_user() -> list[str]:
    """The beginning of a command that must not run as root."""
    return ["setpriv", f"--reuid={SYSTEM_USER}", "--clear-groups", "--"] if os.geteuid() == 0 else []


def _own(data: Path) -> None:
    if os.geteuid() == 0:
        os.chown(data, pwd.getpwnam(SYSTEM_USER).pw_uid, -1)


def _run(program: Path, *arguments: object) -> None:
    command = [*_as_user(), str(program), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")
    if ended.returncode:
        raise RuntimeError(f"{program.name} ended with {ended.returncode}: {ended.stderr}")
