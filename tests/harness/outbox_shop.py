"""A shop that keeps its orders in an outbox: programs of its own, on SQLAlchemy or Django, and a database."""

import importlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from merchantroute_kit.waiting import until

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "contract" / "outbox" / "programs"


@dataclass(frozen=True)
class Shop:
    """One shop: its program (a file's name), database, broker and route (as the client's settings have them).

    `libraries` is a folder of further libraries for the program.
    """

    program: str
    database: str
    broker: str
    route: str
    merchant: str = "bistro"
    within: float = 10.0
    libraries: str = ""

    def create(self) -> None:
        """Create the tables."""
        self._ran("create")

    def enqueue(self, prefix: str, count: int) -> list[str]:
        """Add orders in one transaction; gives their ids."""
        self._ran("enqueue", prefix, str(count))
        return [f"{prefix}{number}" for number in range(count)]

    def enqueue_in_vain(self, prefix: str, count: int) -> None:
        """Add orders in a transaction that is rolled back."""
        ended = self._run("enqueue", prefix, str(count), "rollback")
        assert "Undone" in ended.stderr, ended.stderr

    def rows(self) -> list[dict[str, Any]]:
        """What is in the table."""
        table = {"sqlalchemy_shop": "merchantroute_outbox", "django_shop": "merchantroute_outbox_outboxorder"}
        query = f"SELECT * FROM {table[self.program]} ORDER BY id"  # noqa: S608 - names of our own
        with closing(self._connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def _connect(self) -> Any:
        if self.database.startswith("sqlite:///"):
            return sqlite3.connect(self.database.removeprefix("sqlite:///"), timeout=60)
        if self.database.startswith("mysql:"):
            url = urlsplit(self.database)
            return importlib.import_module("pymysql").connect(
                host=url.hostname, port=url.port, user=url.username, database=url.path[1:], autocommit=True
            )
        return psycopg.connect(self.database)

    def until_at_most(self, left: int) -> None:
        """Wait until so many orders are left in the table: relays are in the middle of their work."""
        until(lambda: len(self.rows()) <= left, f"at most {left} orders to be left")

    def relay_once(self) -> str:
        """Publish what is due; gives what the relay logged."""
        ended = self._run("relay", "--once")
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    @contextmanager
    def relay(self, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        """A relay that runs until the block ends, or until somebody kills it."""
        with log.open("ab") as out:
            process = subprocess.Popen(self._command("relay"), env=self._environment(), stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)

    def _ran(self, *arguments: str) -> str:
        ended = self._run(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(*arguments), env=self._environment(), capture_output=True, text=True, timeout=120
        )

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(PROGRAMS / f"{self.program}.py"), *arguments]

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(ROOT / "worker"), self.libraries)))
        given = {"MR_BROKER": self.broker, "MR_ROUTE": self.route, "PYTHONPATH": path}
        shop = {"SHOP_DATABASE": self.database, "SHOP_MERCHANT": self.merchant, "SHOP_WITHIN": str(self.within)}
        return {**os.environ, **given, **shop}
