"""The thread behind a client: it alone touches the connection, so no caller can be held by a socket, or by DNS.

Callers hand over orders and wait, each as long as its bound. Orders that come back are sent again after a pause of
their own, so that one tier's full queue does not hold up another's; a lost line is opened again after a pause of its
own. After each opening one order goes first, alone: what is wrong with the route or the broker is then told by one
order whose fate is certain, not by hundreds whose fate is not.
"""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from merchantroute_worker.client.connection import ERRORS, Connection
from merchantroute_worker.client.pending import Pending
from merchantroute_worker.client.schedule import Schedule, pause
from merchantroute_worker.client.settings import Address

log = logging.getLogger(__name__)
WINDOW = 500  # orders that wait for their confirms
TICK = 5.0  # seconds between two looks at the heartbeat
GOODBYE = 2.0
TOO_LARGE = 406


class Sender:
    """Sends orders through one front door. Used once: after `stop`, or when its thread has ended, it takes no more."""

    def __init__(self, where: Callable[[], Address], exchange: str, confirm_timeout: float) -> None:
        self._where, self._exchange, self._confirm_timeout = where, exchange, confirm_timeout
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._forgotten = False
        self._handed: list[Pending] = []
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._schedule = Schedule()
        self._line: Connection | None = None
        self._open = False
        self._failures = 0
        self._again_at = 0.0
        self._window = 1
        self._trouble: str | None = "not connected yet"

    # Called by callers' threads.

    def submit(self, pending: Sequence[Pending]) -> bool:
        """Take orders; False when this sender has ended."""
        with self._lock:
            if self._stopping:
                return False
            self._handed.extend(pending)
            first = self._thread is None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="merchantroute-client", daemon=True)
        if first:
            self._start(self._thread)
        self._wake()
        return True

    def withdraw(self, pending: Pending, within: float) -> None:
        """The caller's bound is over: settle the order, unless it is settled, and never send it again."""
        with self._lock:
            pending.give_up(self._trouble or pending.late(within))

    def stop(self) -> None:
        """End the thread and close the connection; orders under way are given up."""
        with self._lock:
            self._stopping = True
        if self._thread is not None and self._thread.is_alive() and not self._forgotten:
            self._wake()
            self._thread.join(timeout=GOODBYE)

    def forget(self) -> None:
        """In a child of a fork: let go of what is the parent's, and disturb nothing of it."""
        self._stopping = self._forgotten = True
        if self._line is not None:
            self._line.forget()
        self._let_go()

    def _start(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except RuntimeError as error:
            self._end(f"no thread could be started: {error}")

    def _wake(self) -> None:
        with suppress(OSError):
            self._waker.send(b"x")

    def _let_go(self) -> None:
        for held in (self._waker, self._woken, self._selector):
            held.close()

    # Called by the sender's own thread.

    def _run(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._turn()
                except ERRORS as error:
                    self._lose(f"the connection to {self._described()} failed: {error}")
                except Exception as error:
                    log.exception("publishing failed in an unexpected way")
                    self._lose(f"unexpected: {error!r}")
        finally:
            self._end("the client was closed")

    def _turn(self) -> None:
        now = time.monotonic()
        with self._lock:
            handed, self._handed = self._handed, []
        for pending in handed:
            self._schedule.add(pending, now)
        if not self._open and self._schedule.next_due() is not None and now >= self._again_at:
            self._open_line()
        if self._line and self._open:
            self._send(self._line)
        self._wait()
        if self._line:
            self._look_after(self._line)

    def _open_line(self) -> None:
        if self._line is None:
            self._line = Connection(self._where(), self._answered)
            self._line.connect()
            self._selector.register(self._line.socket, selectors.EVENT_READ)
        else:
            self._line.open_channel()
        self._open, self._window, self._trouble = True, 1, None

    def _send(self, line: Connection) -> None:
        while len(line.flight) < self._window and not line.blocked:
            now = time.monotonic()
            pending = self._schedule.pop(now)
            if pending is None:
                return
            with self._lock:
                if pending.outcome is not None:
                    continue
                pending.take_off()
            line.publish(pending, self._exchange, now)

    def _wait(self) -> None:
        """Sleep until something is to be done, and read what has come."""
        buffered = bool(self._line and self._line.buffered())
        timeout = 0.0 if buffered else self._until_next(time.monotonic())
        ready = {key.fileobj for key, _ in self._selector.select(timeout)}
        if self._stopping:
            return
        if self._woken in ready:
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        if self._line and (buffered or ready - {self._woken}):
            self._read(self._line)

    def _until_next(self, now: float) -> float | None:
        """Seconds until something is due, None when only a caller can bring work."""
        line, moments = self._line, [now + TICK] if self._line else []
        due = self._schedule.next_due()
        if line and self._open:
            if not line.blocked and line.flight:
                moments.append(line.flight.oldest() + self._confirm_timeout)
            if due is not None and not line.blocked and len(line.flight) < self._window:
                moments.append(due)
        elif due is not None:
            moments.append(self._again_at)
        return max(0.0, min(moments) - now) if moments else None

    def _read(self, line: Connection) -> None:
        blocked = line.blocked
        line.read()
        if line.blocked != blocked:
            line.flight.restart_clocks(time.monotonic())
            self._trouble = "the broker blocks publishing: it is out of memory or disk" if line.blocked else None
            log.warning(self._trouble or "the broker takes orders again")

    def _look_after(self, line: Connection) -> None:
        line.beat()
        if line.closed and self._open:
            self._channel_closed(line, *line.closed)
            return
        waits = len(line.flight) > 0 and not line.blocked
        if waits and time.monotonic() - line.flight.oldest() > self._confirm_timeout:
            raise TimeoutError(f"no confirm within {self._confirm_timeout:g} s")

    def _answered(self, pending: Pending, nacked: bool, returned: str | None) -> None:
        self._window, self._failures = WINDOW, 0
        with self._lock:
            if not nacked and returned is None:
                pending.arrive()
                return
            # A quorum queue stores nothing that it refuses; an order that is returned found no queue.
            problem = "refused (nack): a queue is full, or the broker could not store it"
            pending.back(returned or problem, unknown=False)
        self._schedule.add(pending, time.monotonic() + pause(pending.attempts))

    def _channel_closed(self, line: Connection, code: int, text: str) -> None:
        """The route is not there (404), we may not publish to it (403), or an order is too large (406)."""
        self._open, self._trouble = False, f"{code} {text}"
        back = line.flight.lost()
        with self._lock:
            for pending in back:
                # It was one of them; the broker may have taken those before it, and taken none after it.
                pending.back(self._trouble, unknown=len(back) > 1)
                if code == TOO_LARGE and len(back) == 1:
                    pending.give_up(self._trouble)
        self._again(back)

    def _lose(self, why: str) -> None:
        if self._failures == 0:
            log.warning("%s", why)
        line, self._line, self._open, self._trouble = self._line, None, False, why
        if self._forgotten:
            return
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._woken:
                self._selector.unregister(key.fileobj)
        back = line.flight.lost() if line else []
        if line:
            line.drop()
        with self._lock:
            for pending in back:
                pending.back(why, unknown=True)
        self._again(back)

    def _again(self, back: list[Pending]) -> None:
        self._failures += 1
        now = time.monotonic()
        self._again_at = now + pause(self._failures)
        for pending in back:
            self._schedule.add(pending, now)
        self._schedule.forget_settled()

    def _described(self) -> str:
        try:
            return str(self._where())
        except OSError:
            return "the broker"

    def _end(self, why: str) -> None:
        line, self._line = self._line, None
        with self._lock:
            self._stopping = True
            for pending in [*self._handed, *self._schedule.all(), *(line.flight.lost() if line else [])]:
                pending.give_up(why)
        if not self._forgotten:
            if line is not None:
                line.close()
            self._let_go()
