"""The client's public interface: `Client`, and `publish` and `publish_many` with a client per process."""

import os
import time
import uuid
import weakref
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from merchantroute_worker.client.message import Order, write
from merchantroute_worker.client.pending import Pending
from merchantroute_worker.client.results import BadOrder, NotAllSafe, NotSafe, Outcome, Receipt
from merchantroute_worker.client.sender import Sender
from merchantroute_worker.client.settings import broker_address, front_door

WITHIN = 10.0
CONFIRM_TIMEOUT = 5.0
LONGEST = 86_400


class Client:
    """Publishes orders to one route. Make one per process and share it: it is safe to use from every thread.

    It connects when the first order is published, and keeps one connection and one thread. After a fork the child
    opens its own.

    Args:
        broker: an amqp:// or amqps:// URL, or the directory that a Secret is mounted at (files host, port, username,
            password; optional vhost, ca.crt). By default MR_BROKER, MR_BROKER_DIR, /etc/merchantroute/broker.
        route: "namespace/name". By default MR_ROUTE, which may be the name alone where MR_NAMESPACE is set.
        ca: file with the authority that signed the broker's certificate, if the machine does not trust it anyway.
        within: seconds that a publish may take, retries and all.
        confirm_timeout: seconds without a confirm after which the connection counts as lost.

    Raises:
        NotConfigured: broker or route are not named; the text says what to set.
    """

    def __init__(
        self,
        *,
        broker: str | Path | None = None,
        route: str | None = None,
        ca: str | Path | None = None,
        within: float = WITHIN,
        confirm_timeout: float = CONFIRM_TIMEOUT,
    ) -> None:
        self._read_address = broker_address(broker, ca, os.environ)
        self._exchange = front_door(route, os.environ)
        self._within = _seconds("within", within)
        self._confirm_timeout = _seconds("confirm_timeout", confirm_timeout)
        # No lock: one that was made before gevent or eventlet patch the server would be of the wrong kind afterwards.
        self._senders: dict[int, Sender] = {}
        self._number = 0
        _CLIENTS.add(self)
        weakref.finalize(self, _stop, self._senders)

    def publish(
        self,
        order: Mapping[str, Any],
        *,
        merchant: str | None = None,
        order_id: str | None = None,
        eta: datetime | None = None,
        expires: datetime | None = None,
        headers: Mapping[str, Any] | None = None,
        within: float | None = None,
    ) -> Receipt:
        """Publish one order, and return when a queue holds it.

        Args:
            order: one JSON object; it is sent to the merchant as it is.
            merchant: the merchant's id; by default the order's own field `merchant`.
            order_id: by default the order's own field `id`, else a new UUID, which receipt and error tell.
            eta: not before; with a time zone.
            expires: too late to begin then; with a time zone.
            headers: the application's own headers.
            within: seconds, by default the client's.

        Raises:
            BadOrder: it cannot be published as it is; nothing was sent.
            NotSafe: it is not known to be safe; publish it again with the error's `order_id`.
        """
        bound = self._within if within is None else _seconds("within", within)
        given = Order(order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers)
        pending = Pending(write(given, now=time.time(), new_id=_new_id))
        self._publish_all([pending], bound)
        assert pending.outcome is not None  # noqa: S101
        if isinstance(pending.outcome, NotSafe):
            raise pending.outcome
        return pending.outcome

    def publish_many(
        self, orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None
    ) -> list[Receipt]:
        """Publish a batch with many orders under way at once; `within` is for all of it.

        Plain objects need their own fields `merchant` and `id`; `Order` takes all that `publish` takes.

        Raises:
            NotAllSafe: some are not safe; `outcomes` has a Receipt, NotSafe or BadOrder for each, in their order.
        """
        bound = self._within if within is None else _seconds("within", within)
        started = [_started(order) for order in orders]
        self._publish_all([each for each in started if isinstance(each, Pending)], bound)
        outcomes: list[Outcome] = []
        for each in started:
            outcome = each.outcome if isinstance(each, Pending) else each
            assert outcome is not None  # noqa: S101
            outcomes.append(outcome)
        receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
        if len(receipts) < len(outcomes):
            raise NotAllSafe(outcomes)
        return receipts

    def close(self) -> None:
        """Close the connection; orders under way are given up. The next publish opens another one."""
        _stop(self._senders)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _publish_all(self, pending: list[Pending], within: float) -> None:
        """Submit the orders and wait; every one is settled afterwards."""
        until = time.monotonic() + within
        sender = self._submit(pending)
        try:
            for each in pending:
                each.settled.wait(max(0.0, until - time.monotonic()))
        finally:
            for each in pending:
                sender.withdraw(each, within)

    def _submit(self, pending: list[Pending]) -> Sender:
        while True:
            number = self._number
            sender = self._senders.get(number)
            if sender is None:
                # setdefault is atomic: of two threads that race here, one drops its sender, which has no thread yet.
                made = Sender(self._read_address, self._exchange, self._confirm_timeout)
                sender = self._senders.setdefault(number, made)
                if sender is not made:
                    made.forget()
            if sender.submit(pending):
                return sender
            self._senders.pop(number, None)
            self._number = number + 1

    def _forked(self) -> None:
        for sender in list(self._senders.values()):
            sender.forget()
        self._senders.clear()


def publish(
    order: Mapping[str, Any],
    *,
    merchant: str | None = None,
    order_id: str | None = None,
    eta: datetime | None = None,
    expires: datetime | None = None,
    headers: Mapping[str, Any] | None = None,
    within: float | None = None,
) -> Receipt:
    """`Client.publish` with the process's own client, configured by the environment."""
    return _shared_client().publish(
        order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers, within=within
    )


def publish_many(orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None) -> list[Receipt]:
    """`Client.publish_many` with the process's own client, configured by the environment."""
    return _shared_client().publish_many(orders, within=within)


_CLIENTS: "weakref.WeakSet[Client]" = weakref.WeakSet()
_SHARED: dict[str, Client] = {}


def _shared_client() -> Client:
    return _SHARED.get("client") or _SHARED.setdefault("client", Client())


def _after_fork() -> None:
    for client in list(_CLIENTS):
        client._forked()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_after_fork)


def _stop(senders: dict[int, Sender]) -> None:
    for number, sender in list(senders.items()):
        sender.stop()
        senders.pop(number, None)


def _started(order: Order | Mapping[str, Any]) -> Pending | BadOrder:
    try:
        return Pending(write(order if isinstance(order, Order) else Order(order), now=time.time(), new_id=_new_id))
    except BadOrder as error:
        return error


def _new_id() -> str:
    return str(uuid.uuid4())


def _seconds(name: str, value: Any) -> float:
    if not (isinstance(value, int | float) and 0 < value <= LONGEST):
        raise ValueError(f"{name} must be seconds above 0 and at most {LONGEST}, it is {value!r}")
    return float(value)
