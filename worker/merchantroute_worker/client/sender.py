"""The thread behind a client: it alone uses the connection, so that no caller is blocked by a socket, or by DNS.

Callers submit orders and wait, each within its own time limit. An order that was refused is published again after a
back-off of its own, so that one tier's full queue does not delay another's orders; a lost connection is opened again
after a back-off too. After each opening one order is published first, alone: an error of the route or the broker is
then met by one order whose fate is certain, not by hundreds whose fate is not.
"""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from merchantroute_worker.client.breaker import Admission, Breaker
from merchantroute_worker.client.connection import Connection
from merchantroute_worker.client.pending import Batch, Pending, Unconfirmed
from merchantroute_worker.client.schedule import Schedule, pause
from merchantroute_worker.rabbit.address import ERRORS, BrokerAddress

log = logging.getLogger(__name__)
WINDOW = 500  # orders without a confirm at a time
TICK = 5.0  # seconds between two checks of the heartbeat
JOIN_TIMEOUT = 2.0
TOO_LARGE = 406


class Sender:
    """Publishes orders to one exchange. Used once: after `stop`, or when its thread has ended, it accepts no more."""

    def __init__(
        self,
        read_address: Callable[[], BrokerAddress],
        exchange: str,
        confirm_timeout: float,
        fail_fast_after: float | None,
    ) -> None:
        self._read_address, self._exchange, self._confirm_timeout = read_address, exchange, confirm_timeout
        self._breaker = Breaker(fail_fast_after)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._forgotten = False
        self._ended = False
        self._on_end: Callable[[], None] | None = None
        self._submitted: list[Pending] = []
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._schedule = Schedule()
        self._connection: Connection | None = None
        self._open = False
        self._failures = 0
        self._reconnect_at = 0.0
        self._window = 1
        self._trouble: str | None = "not connected yet"

    # Called by callers' threads.

    def submit(self, batch: Batch) -> bool:
        """Accept orders, or give them up at once while the breaker is open; False when this sender has ended."""
        with self._lock:
            if self._stopping:
                return False
            if not self._admit(batch):
                return True
            self._submitted.extend(batch.orders)
            first = self._thread is None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="merchantroute-client", daemon=True)
        if first:
            self._start(self._thread)
        self._wake()
        return True

    def withdraw(self, batch: Batch, within: float) -> None:
        """Settle orders whose caller's time limit is over, unless they are settled, and never publish them again."""
        with self._lock:
            for pending in batch.orders:
                pending.give_up(self._trouble or pending.timeout_reason(within))
            if any(pending.one_attempt for pending in batch.orders):
                self._breaker.probe_ended(time.monotonic())

    def begin_stop(self, on_end: Callable[[], None] | None = None) -> None:
        """Tell the thread to close the connection and end; orders without a confirm are given up.

        `on_end` is called once that is done, by the thread and under the lock: it must neither block nor raise.
        """
        with self._lock:
            self._stopping = True
            self._on_end = on_end or self._on_end
            if on_end and (self._ended or not self._is_running()):
                on_end()
        if self._is_running():
            self._wake()

    def stop(self) -> None:
        """The same, and wait a moment until it has ended."""
        self.begin_stop()
        if self._thread is not None and self._is_running():
            self._thread.join(timeout=JOIN_TIMEOUT)

    def forget(self) -> None:
        """Close this process's descriptors in a child of a fork, and leave the parent's connection as it is."""
        self._stopping = self._forgotten = True
        if self._connection is not None:
            self._connection.forget()
        self._close_files()

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and not self._forgotten

    def _admit(self, batch: Batch) -> bool:
        now = time.monotonic()
        connection = self._connection
        admission = self._breaker.admit(now, blocked=connection is not None and connection.blocked)
        for pending in batch.orders:
            if admission is Admission.REFUSE:
                pending.give_up(self._breaker.problem(now))
            pending.one_attempt = admission is Admission.TRY_ONCE
        return admission is not Admission.REFUSE

    def _start(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except RuntimeError as error:
            self._end(f"no thread could be started: {error}")

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"x")

    def _close_files(self) -> None:
        for file in (self._waker, self._woken, self._selector):
            file.close()

    # Called by the sender's own thread.

    def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._run_once()
                except ERRORS as error:
                    self._lose(f"the connection to {self._described()} failed: {error}")
                except Exception as error:
                    log.exception("publishing failed in an unexpected way")
                    self._lose(f"unexpected: {error!r}")
        finally:
            self._end("the client was closed")

    def _run_once(self) -> None:
        now = time.monotonic()
        with self._lock:
            submitted, self._submitted = self._submitted, []
        for pending in submitted:
            self._schedule.add(pending, now)
        if not self._open and self._schedule.next_due() is not None and now >= self._reconnect_at:
            self._connect()
        if self._connection and self._open:
            self._send(self._connection)
        self._wait()
        if self._connection:
            self._check(self._connection)

    def _connect(self) -> None:
        if self._connection is None:
            self._connection = Connection(self._read_address(), Unconfirmed(self._answered))
            self._connection.connect()
            self._selector.register(self._connection.socket, selectors.EVENT_READ)
        else:
            self._connection.open_channel()
        self._open, self._window, self._trouble = True, 1, None

    def _send(self, connection: Connection) -> None:
        while len(connection.unconfirmed) < self._window and not connection.blocked:
            now = time.monotonic()
            pending = self._schedule.pop(now)
            if pending is None:
                return
            with self._lock:
                if pending.outcome is not None:
                    continue
                pending.publishing()
            connection.publish(pending, self._exchange, now)

    def _wait(self) -> None:
        """Wait until something is due or readable, and read it."""
        buffered = bool(self._connection and self._connection.buffered())
        timeout = 0.0 if buffered else self._until_next(time.monotonic())
        ready = {key.fileobj for key, _ in self._selector.select(timeout)}
        if self._stopping:
            return
        if self._woken in ready:
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        if self._connection and (buffered or ready - {self._woken}):
            self._read(self._connection)

    def _until_next(self, now: float) -> float | None:
        """Seconds until something is due, None when only a caller can bring work."""
        connection, moments = self._connection, [now + TICK] if self._connection else []
        due = self._schedule.next_due()
        if connection and self._open:
            if not connection.blocked and connection.unconfirmed:
                moments.append(connection.unconfirmed.oldest() + self._confirm_timeout)
            if due is not None and not connection.blocked and len(connection.unconfirmed) < self._window:
                moments.append(due)
        elif due is not None:
            moments.append(self._reconnect_at)
        return max(0.0, min(moments) - now) if moments else None

    def _read(self, connection: Connection) -> None:
        blocked = connection.blocked
        connection.read()
        if connection.blocked != blocked:
            now = time.monotonic()
            connection.unconfirmed.restart_clocks(now)
            self._trouble = "the broker blocks publishing: it is out of memory or disk" if connection.blocked else None
            with self._lock:
                if self._trouble:
                    self._breaker.failed(now, self._trouble)
                else:
                    self._breaker.answered()
            log.warning(self._trouble or "the broker takes orders again")

    def _check(self, connection: Connection) -> None:
        """Check heartbeat, channel and the oldest confirm. TimeoutError when that one is overdue."""
        connection.beat()
        if connection.closed and self._open:
            self._channel_closed(connection, *connection.closed)
            return
        waits = len(connection.unconfirmed) > 0 and not connection.blocked
        if waits and time.monotonic() - connection.unconfirmed.oldest() > self._confirm_timeout:
            raise TimeoutError(f"no confirm within {self._confirm_timeout:g} s")

    def _answered(self, pending: Pending, nacked: bool, returned: str | None) -> None:
        self._window, self._failures = WINDOW, 0
        with self._lock:
            self._breaker.answered()
            if not nacked and returned is None:
                pending.confirmed()
                return
            # A quorum queue stores nothing that it nacks; an order that is returned found no queue.
            problem = "refused (nack): a queue is full, or the broker could not store it"
            pending.failed(returned or problem, unknown=False)
        self._schedule.add(pending, time.monotonic() + pause(pending.attempts))

    def _channel_closed(self, connection: Connection, code: int, text: str) -> None:
        """The exchange is not there (404), we may not publish to it (403), or an order is too large (406)."""
        self._open, self._trouble = False, f"{code} {text}"
        unconfirmed = connection.unconfirmed.lost()
        with self._lock:
            for pending in unconfirmed:
                # One of them closed the channel; the broker may have taken those before it, and none after it.
                pending.failed(self._trouble, unknown=len(unconfirmed) > 1)
                if code == TOO_LARGE and len(unconfirmed) == 1:
                    pending.give_up(self._trouble)
        self._publish_again(unconfirmed, self._trouble)
        if code == TOO_LARGE:
            with self._lock:
                self._breaker.answered()

    def _lose(self, reason: str) -> None:
        if self._failures == 0:
            log.warning("%s", reason)
        connection, self._connection, self._open, self._trouble = self._connection, None, False, reason
        if self._forgotten:
            return
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._woken:
                self._selector.unregister(key.fileobj)
        unconfirmed = connection.unconfirmed.lost() if connection else []
        if connection:
            connection.drop()
        with self._lock:
            for pending in unconfirmed:
                pending.failed(reason, unknown=True)
        self._publish_again(unconfirmed, reason)

    def _publish_again(self, unconfirmed: list[Pending], reason: str) -> None:
        self._failures += 1
        now = time.monotonic()
        self._reconnect_at = now + pause(self._failures)
        for pending in unconfirmed:
            self._schedule.add(pending, now)
        with self._lock:
            self._breaker.failed(now, reason)
            for pending in self._schedule.all():
                if pending.one_attempt:
                    pending.give_up(reason)
        self._schedule.forget_settled()

    def _described(self) -> str:
        try:
            return str(self._read_address())
        except OSError:
            return "the broker"

    def _end(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        unconfirmed = connection.unconfirmed.lost() if connection else []
        with self._lock:
            self._stopping = True
            for pending in [*self._submitted, *self._schedule.all(), *unconfirmed]:
                pending.give_up(reason)
        if not self._forgotten:
            if connection is not None:
                connection.close()
            self._close_files()
        with self._lock:
            self._ended = True
            if self._on_end is not None:
                self._on_end()
