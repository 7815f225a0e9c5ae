"""The client's public interface: `Client`, for threads, greenlets and asyncio alike."""

import asyncio
import os
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from merchantroute_worker.client.message import Message, Order, write
from merchantroute_worker.client.pending import Batch, Pending
from merchantroute_worker.client.results import BadOrder, NotAllSafe, NotSafe, Outcome, Receipt
from merchantroute_worker.client.sender import JOIN_TIMEOUT, Sender
from merchantroute_worker.client.settings import broker_address, front_door

WITHIN = 10.0
CONFIRM_TIMEOUT = 5.0
FAIL_FAST_AFTER = 10.0
LONGEST = 86_400


class Client:
    """Publishes orders to one route. Make one per process and share it: it is safe to use from every thread, and from
    event loops by the methods that begin with `a`.

    It connects when the first order is published, and keeps one connection and one thread. After a fork the child
    opens its own.

    Args:
        broker: an amqp:// or amqps:// URL, or the directory that a Secret is mounted at (files host, port, username,
            password; optional vhost, ca.crt). By default MR_BROKER, MR_BROKER_DIR, /etc/merchantroute/broker.
        route: "namespace/name". By default MR_ROUTE, which may be the name alone where MR_NAMESPACE is set.
        ca: file with the authority that signed the broker's certificate, if the machine does not trust it anyway.
        within: seconds that a publish may take, retries and all.
        confirm_timeout: seconds without a confirm after which the connection counts as lost.
        fail_fast_after: seconds for which publishing has failed without any answer, after which a publish raises
            NotSafe at once; one at a time is tried once, to find out when the broker is back. None: never.

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
        fail_fast_after: float | None = FAIL_FAST_AFTER,
    ) -> None:
        self._read_address = broker_address(broker, ca, os.environ)
        self._exchange = front_door(route, os.environ)
        self._within = _seconds("within", within)
        self._confirm_timeout = _seconds("confirm_timeout", confirm_timeout)
        self._fail_fast_after = None if fail_fast_after is None else _seconds("fail_fast_after", fail_fast_after)
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
        given = Order(order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers)
        return self.publish_message(_written(given), within=within)

    async def apublish(
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
        """`publish` for asyncio: no thread is taken for it, and nothing of the event loop's executor.

        A task that is cancelled while it waits takes its order back; an attempt that was under way may have arrived.
        """
        given = Order(order, merchant=merchant, order_id=order_id, eta=eta, expires=expires, headers=headers)
        pending = [Pending(_written(given))]
        await self._apublish_all(pending, within)
        return _receipt(pending[0])

    def publish_many(
        self, orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None
    ) -> list[Receipt]:
        """Publish a batch with many orders under way at once; `within` is for all of it.

        Plain objects need their own fields `merchant` and `id`; `Order` takes all that `publish` takes.

        Raises:
            NotAllSafe: some are not safe; `outcomes` has a Receipt, NotSafe or BadOrder for each, in their order.
        """
        started = [_started(order) for order in orders]
        self._publish_all([each for each in started if isinstance(each, Pending)], within)
        return _receipts(started)

    async def apublish_many(
        self, orders: Iterable[Order | Mapping[str, Any]], *, within: float | None = None
    ) -> list[Receipt]:
        """`publish_many` for asyncio."""
        started = [_started(order) for order in orders]
        await self._apublish_all([each for each in started if isinstance(each, Pending)], within)
        return _receipts(started)

    def publish_message(self, message: Message, *, within: float | None = None) -> Receipt:
        """Publish a message that is written already, as `publish` does."""
        pending = [Pending(message)]
        self._publish_all(pending, within)
        return _receipt(pending[0])

    def publish_messages(self, messages: Sequence[Message], *, within: float | None = None) -> list[Receipt | NotSafe]:
        """Publish messages that are written already, as `publish_many` does; one outcome for each, in their order."""
        pending = [Pending(message) for message in messages]
        self._publish_all(pending, within)
        return [_outcome(each) for each in pending]

    def close(self) -> None:
        """Close the connection; orders under way are given up. The next publish opens another one."""
        _stop(self._senders)

    async def aclose(self) -> None:
        """`close` for asyncio."""
        loop = asyncio.get_running_loop()
        senders = list(self._senders.values())
        self._senders.clear()
        ends: list[asyncio.Future[None]] = [loop.create_future() for _ in senders]
        for sender, end in zip(senders, ends, strict=True):
            sender.begin_stop(partial(_resolve, loop, end))
        if ends:
            await asyncio.wait(ends, timeout=JOIN_TIMEOUT)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _publish_all(self, pending: list[Pending], within: float | None) -> None:
        """Submit the orders and wait; every one is settled afterwards."""
        bound = self._bound(within)
        if not pending:
            return
        settled = threading.Event()
        batch = Batch(pending, settled.set)
        sender = self._submit(batch)
        try:
            settled.wait(bound)
        finally:
            sender.withdraw(batch, bound)

    async def _apublish_all(self, pending: list[Pending], within: float | None) -> None:
        """The same without blocking the event loop: nothing in here waits but for the future."""
        bound = self._bound(within)
        if not pending:
            return
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        batch = Batch(pending, partial(_resolve, loop, settled))
        sender = self._submit(batch)
        # Cheaper than asyncio.wait, which makes a future and a callback of its own for each order.
        over = loop.call_later(bound, _set, settled)
        try:
            await settled
        finally:
            over.cancel()
            sender.withdraw(batch, bound)

    def _bound(self, within: float | None) -> float:
        return self._within if within is None else _seconds("within", within)

    def _submit(self, batch: Batch) -> Sender:
        while True:
            number = self._number
            sender = self._senders.get(number)
            if sender is None:
                # setdefault is atomic: of two threads that race here, one drops its sender, which has no thread yet.
                made = Sender(self._read_address, self._exchange, self._confirm_timeout, self._fail_fast_after)
                sender = self._senders.setdefault(number, made)
                if sender is not made:
                    made.forget()
            if sender.submit(batch):
                return sender
            self._senders.pop(number, None)
            self._number = number + 1

    def _forked(self) -> None:
        for sender in list(self._senders.values()):
            sender.forget()
        self._senders.clear()


_CLIENTS: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_CLIENTS):
        client._forked()  # noqa: SLF001 - the same module


os.register_at_fork(after_in_child=_after_fork)


def _stop(senders: dict[int, Sender]) -> None:
    for number, sender in list(senders.items()):
        sender.stop()
        senders.pop(number, None)


def _resolve(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]") -> None:
    """Wake a coroutine from the sender's thread. Nobody waits in a loop that is closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_set, future)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _written(order: Order) -> Message:
    return write(order, now=time.time(), new_id=_new_id)


def _started(order: Order | Mapping[str, Any]) -> Pending | BadOrder:
    try:
        return Pending(_written(order if isinstance(order, Order) else Order(order)))
    except BadOrder as error:
        return error


def _outcome(pending: Pending) -> Receipt | NotSafe:
    assert pending.outcome is not None  # noqa: S101
    return pending.outcome


def _receipt(pending: Pending) -> Receipt:
    outcome = _outcome(pending)
    if isinstance(outcome, NotSafe):
        raise outcome
    return outcome


def _receipts(started: list[Pending | BadOrder]) -> list[Receipt]:
    outcomes: list[Outcome] = [each if isinstance(each, BadOrder) else _outcome(each) for each in started]
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    if len(receipts) < len(outcomes):
        raise NotAllSafe(outcomes)
    return receipts


def _new_id() -> str:
    return str(uuid.uuid4())


def _seconds(name: str, value: Any) -> float:
    if not (isinstance(value, int | float) and 0 < value <= LONGEST):
        raise ValueError(f"{name} must be seconds above 0 and at most {LONGEST}, it is {value!r}")
    return float(value)
