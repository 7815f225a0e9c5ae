"""SQLAlchemy's side of the outbox: its table in the application's metadata, and its relay."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Insert,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.mysql import LONGTEXT

from merchantroute_worker.client.message import LONGEST_NAME, Order
from merchantroute_worker.client.outbox import BATCH, Failure, Relay, Row, columns, row
from merchantroute_worker.client.publishing import Client

# MySQL's TEXT ends at 64 kB.
_LONG_TEXT = Text().with_variant(LONGTEXT, "mysql", "mariadb")


class Executes(Protocol):
    """A Session, a scoped one, or a Connection."""

    def execute(self, statement: Any) -> Any:
        """Execute a statement in the transaction that is under way."""


class Outbox:
    """The table of orders that are not published yet, in the metadata whose tables the application creates or migrates.

    Args:
        metadata: the application's.
        name: the table's name.
    """

    def __init__(self, metadata: MetaData, name: str = "merchantroute_outbox") -> None:
        self.table = Table(
            name,
            metadata,
            # SQLite counts up by itself only where the key is an INTEGER.
            Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
            Column("order_id", String(LONGEST_NAME), nullable=False),
            Column("merchant", String(LONGEST_NAME), nullable=False),
            Column("published_at", BigInteger, nullable=False),
            Column("body", _LONG_TEXT, nullable=False),
            Column("headers", _LONG_TEXT, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("problem", Text, nullable=False),
            Column("due_at", BigInteger, nullable=False),
            # Or SQLite gives the id of a removed row to a new one, which a second relay might then remove.
            sqlite_autoincrement=True,
        )

    def enqueue(
        self,
        session: Executes,
        order: Mapping[str, Any],
        *,
        merchant: str | None = None,
        order_id: str | None = None,
        eta: datetime | None = None,
        expires: datetime | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Add an order in the session's transaction, with all that `publish` takes; gives its id.

        Raises:
            BadOrder: it cannot be published as it is; the text says what to change.
        """
        given = Order(order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers)
        values = columns(given)
        session.execute(insert(self.table).values(values))
        return str(values["order_id"])

    def statement(self, order: Order) -> Insert:
        """The statement that adds an order, for an AsyncSession: `await session.execute(outbox.statement(...))`."""
        return insert(self.table).values(columns(order))

    def relay(self, engine: Engine, client: Client, *, batch: int = BATCH, within: float | None = None) -> Relay:
        """The relay of this table; `run` and `run_until_signalled` of it publish until they are told to stop."""
        return Relay(_Store(self.table, engine), client, batch=batch, within=within)


class _Store:
    """The table, as a relay uses it."""

    def __init__(self, table: Table, engine: Engine) -> None:
        self._table, self._engine = table, engine
        if engine.dialect.name in {"mysql", "mariadb"}:
            # By default, REPEATABLE READ, a claim would lock the gap behind the last row as well: whoever adds an order
            # would wait until the round is over. Django's own default is this one.
            self._engine = engine.execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def claim(self, limit: int, now: int) -> Iterator["_Claim"]:
        """Lock rows for the time of the block. SQLite has no locks of rows: nothing is locked while orders travel, so
        that the application can write.
        """
        table = self._table
        due = select(table).where(table.c.due_at <= now).order_by(table.c.id).limit(limit)
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                rows = _rows(connection, due)
            claim = _Claim(table, rows)
            yield claim
            with self._engine.begin() as connection:
                claim.write(connection)
            return
        with self._engine.begin() as connection:
            claim = _Claim(table, _rows(connection, due.with_for_update(skip_locked=True)))
            yield claim
            claim.write(connection)


class _Claim:
    """The rows of one round, and what is to be written when it ends."""

    def __init__(self, table: Table, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._table = table
        self._confirmed: Sequence[int] = ()
        self._failed: Sequence[Failure] = ()

    def settle(self, confirmed: Sequence[int], failed: Sequence[Failure]) -> None:
        """Note what is to be removed and what has failed."""
        self._confirmed, self._failed = confirmed, failed

    def write(self, connection: Connection) -> None:
        """Write it, in the connection's transaction."""
        table = self._table
        if self._confirmed:
            connection.execute(delete(table).where(table.c.id.in_(self._confirmed)))
        for one in self._failed:
            noted = {"attempts": one.attempts, "problem": one.problem, "due_at": one.due_at}
            connection.execute(update(table).where(table.c.id == one.id).values(noted))


def _rows(connection: Connection, due: Any) -> list[Row]:
    return [row(dict(found._mapping)) for found in connection.execute(due)]  # noqa: SLF001 - its public name
