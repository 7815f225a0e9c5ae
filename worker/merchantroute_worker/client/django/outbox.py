"""Adds orders to the outbox in Django's transaction, and relays them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import close_old_connections, connections, router, transaction

from merchantroute_worker.client.django.models import OutboxOrder
from merchantroute_worker.client.message import Order
from merchantroute_worker.client.outbox import BATCH, Failure, Relay, Row, columns, row
from merchantroute_worker.client.publishing import Client


def enqueue(
    order: Mapping[str, Any],
    *,
    merchant: str | None = None,
    order_id: str | None = None,
    eta: datetime | None = None,
    expires: datetime | None = None,
    headers: Mapping[str, Any] | None = None,
    using: str | None = None,
) -> str:
    """Add an order in the transaction that is under way (`transaction.atomic`), with all that `publish` takes.

    Gives the order's id. `using` names the database, by default the one that routers give for writing.

    Raises:
        BadOrder: it cannot be published as it is; the text says what to change.
    """
    given = Order(order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers)
    values = columns(given)
    OutboxOrder.objects.using(using or router.db_for_write(OutboxOrder)).create(**values)
    return str(values["order_id"])


def relay(client: Client, *, batch: int = BATCH, within: float | None = None, using: str | None = None) -> Relay:
    """The relay of the table in one database; the command `merchantroute_relay` runs it."""
    store = _Store(using or router.db_for_write(OutboxOrder))
    return Relay(store, client, batch=batch, within=within)


class _Store:
    """The table, as a relay uses it."""

    def __init__(self, using: str) -> None:
        self._using = using

    @contextmanager
    def claim(self, limit: int, now: int) -> Iterator["_Claim"]:
        """Lock rows for the time of the block, where the database can skip those that others have locked. Without that
        (SQLite) nothing is locked while orders travel, so that the application can write.
        """
        close_old_connections()
        due = OutboxOrder.objects.using(self._using).filter(due_at__lte=now).order_by("id")
        if not connections[self._using].features.has_select_for_update_skip_locked:
            yield _Claim(self._using, _rows(due[:limit]))
            return
        with transaction.atomic(using=self._using):
            yield _Claim(self._using, _rows(due.select_for_update(skip_locked=True)[:limit]))


class _Claim:
    """The rows of one round."""

    def __init__(self, using: str, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._using = using

    def settle(self, confirmed: Sequence[int], failed: Sequence[Failure]) -> None:
        """Remove and note, in the transaction that holds the locks or else in one of its own."""
        orders = OutboxOrder.objects.using(self._using)
        with transaction.atomic(using=self._using):
            orders.filter(pk__in=confirmed).delete()
            for one in failed:
                orders.filter(pk=one.id).update(attempts=one.attempts, problem=one.problem, due_at=one.due_at)


def _rows(due: Any) -> list[Row]:
    return [row(found) for found in due.values()]
