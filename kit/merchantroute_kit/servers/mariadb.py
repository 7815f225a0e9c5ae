"""A MariaDB of a test's own: the distribution's programs, a data directory in /tmp, a port of loopback."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from merchantroute_kit.servers.hack import hack
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.waiting import until

SYSTEM_USER = "mysql"  # the package makes it; mariadbd refuses to run as root
USER = "shop"
SERVER, INSTALL, CLIENT = "/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/bin/mariadb"


@contextmanager
def mariadb() -> Iterator[str]:
    """Start one with an empty database for the time of the block; gives its URL, without a password.

    Its settings are MariaDB's own, the isolation level REPEATABLE READ among them; who waits for a lock fails after
    5 s instead of 50.
    """
    hack("mariadb-bin", within=600)
    data = Path(tempfile.mkdtemp(prefix="merchantroute-mariadb-"))
    port, socket = free_port(), data / "socket"
    try:
        _own(data)
        _run(INSTALL, "--no-defaults", f"--datadir={data / 'data'}", "--auth-root-authentication-method=normal",
             "--skip-test-db", *_as_user())  # fmt: skip
        server = [SERVER, "--no-defaults", f"--datadir={data / 'data'}", f"--socket={socket}", f"--pid-file={data}/pid",
                  "--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve",
                  "--innodb-lock-wait-timeout=5", *_as_user()]  # fmt: skip
        with (data / "log").open("wb") as log:
            process = subprocess.Popen(server, stdout=log, stderr=log, cwd="/")
        try:
            until(lambda: _asked(socket, "SELECT 1") == 0, "MariaDB to accept connections")
            user = f"{USER}@'127.0.0.1'"
            created = f"CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE USER {user}; GRANT ALL ON shop.* TO {user}"
            _run(CLIENT, "--no-defaults", f"--socket={socket}", "--user=root", f"--execute={created}")
            yield f"mysql://{USER}@127.0.0.1:{port}/shop"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def pymysql_alone() -> Iterator[str]:
    """Give a folder for PYTHONPATH that holds PyMySQL and none of the distribution's other libraries."""
    library = Path(hack("mariadb-bin", within=600).strip())
    with tempfile.TemporaryDirectory(prefix="merchantroute-pymysql-") as folder:
        (Path(folder) / "pymysql").symlink_to(library / "pymysql")
        yield folder


def _as_user() -> list[str]:
    """What tells MariaDB's programs not to run as root."""
    return [f"--user={SYSTEM_USER}"] if os.geteuid() == 0 else []


def _own(data: Path) -> None:
    if os.geteuid() == 0:
        os.chown(data, pwd.getpwnam(SYSTEM_USER).pw_uid, -1)


def _asked(socket: Path, statement: str) -> int:
    command = [CLIENT, "--no-defaults", f"--socket={socket}", "--user=root", f"--execute={statement}"]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")
    if ended.returncode:
        raise RuntimeError(f"{Path(command[0]).name} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
