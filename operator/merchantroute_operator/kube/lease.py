"""Leader election by a Lease: two active operators would each re-route orders, and leave doubled bindings.

Time is monotonic and each process's own. A candidate takes a Lease over when it has seen no change of it for as long as
the Lease says; the times written in it are for people. Whoever finds that somebody else wrote it stops at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from merchantroute_operator.errors import KubeConflict, KubeError
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.lease_store import CALL, LeaseStore, StoredLease
from merchantroute_operator.settings import Settings

logger = logging.getLogger(__name__)
LEASE = "merchantroute-operator"
RELEASED = 1  # seconds that a Lease which was given back is good for


class LeaseLost(Exception):
    """Another operator may be active from now on; this process must end."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. A candidate looks every ``retry``, and takes over ``duration`` after the last change that it saw.

    The holder renews every ``retry``. ``deadline`` after the last renewal that succeeded it stops, and has ``stopping``
    for it; ``last`` after it a thread ends the process, whatever the event loop does. All of that is over before
    ``duration`` is.
    """

    duration: int = 10  # Kubernetes stores whole seconds
    retry: float = 1.0
    deadline: float = 6.5
    stopping: float = 1.5
    last: float = 9.0

    @property
    def without_lease(self) -> float:
        """How long a candidate leaves a Lease that is not there to its holder, who makes it anew when he renews it."""
        return self.retry + 2 * CALL


def exit_at_once() -> None:
    """End the process without another word to the broker or the API server."""
    logging.shutdown()
    os._exit(1)


async def lead(
    kube: KubeClient,
    settings: Settings,
    run: Callable[[], Awaitable[None]],
    *,
    terms: Terms | None = None,
    overdue: Callable[[], None] = exit_at_once,
    wall: Callable[[], float] = time.time,
) -> None:
    """Wait for the Lease, then ``run`` once; give the Lease back when it has ended, by itself or cancelled.

    Raises ``LeaseLost`` after ``run`` was cancelled because the Lease was not renewed, or is somebody else's; what does
    not stop within ``terms.stopping`` is ended by ``overdue``. ``wall`` (epoch seconds) dates what is written.
    """
    terms = terms or Terms()
    election = Election(LeaseStore(kube.api, settings.namespace, LEASE), settings.identity, terms, wall)
    tasks: list[asyncio.Task[Any]] = []
    try:
        await election.acquire()
        logger.info("this process is the active operator: %s", settings.identity)
        work = asyncio.create_task(_as_coroutine(run))
        keeping = asyncio.create_task(election.keep())
        tasks += work, keeping  # in this order they end: the Lease is kept until the work has stopped
        with watched(election, terms, overdue):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await _stop(work, terms.stopping, overdue)
                keeping.result()
            work.result()
    finally:
        for task in tasks:
            await _cancelled(task)
        await election.release()


class Election:
    """One candidate. ``renewed_at`` is when, in monotonic seconds, the last renewal that succeeded was sent."""

    def __init__(self, store: LeaseStore, identity: str, terms: Terms, wall: Callable[[], float] = time.time) -> None:
        self._store = store
        self._identity = identity
        self._terms = terms
        self._wall = wall
        self._seen: Mapping[str, Any] | None = None  # the Lease's spec
        self._seen_at: float | None = None  # since when it has been that
        self._version = ""  # of the Lease as last written; empty: it must be made
        self._sent: list[Mapping[str, Any]] = []  # what was written last, and what may have been since
        self.renewed_at = float("-inf")

    async def acquire(self) -> None:
        """Return when the Lease is held."""
        said = ""
        while True:
            try:
                if await self._take():
                    return
                said = ""
            except KubeError as error:
                if said != str(error):
                    said = str(error)
                    logger.warning("waiting for the Lease: %s", error)
            await asyncio.sleep(self._terms.retry * random.uniform(0.8, 1.2))

    async def keep(self) -> NoReturn:
        """Renew the Lease until that is not possible any more. Raises ``LeaseLost``."""
        while True:
            try:
                async with asyncio.timeout(self.renewed_at + self._terms.deadline - time.monotonic()):
                    await asyncio.sleep(self._terms.retry)
                    await self._renew()
            except TimeoutError:
                raise LeaseLost(f"the Lease {LEASE} was not renewed for {self._terms.deadline:.1f} s") from None

    async def release(self) -> None:
        """Let the successor take over at once, if the Lease is held; where this fails, it waits for its expiry."""
        if not self._sent:
            return
        free = {"holderIdentity": None, "leaseDurationSeconds": RELEASED}
        try:
            found = await self._store.read()
            if found is not None and found.spec in self._sent:
                await self._store.write(free, found.version)
        except KubeError as error:
            logger.warning("the Lease was not released: %s", error)

    async def _take(self) -> bool:
        found = await self._store.read()
        now = time.monotonic()
        spec = found.spec if found else None
        if self._seen_at is None or spec != self._seen:
            self._seen, self._seen_at = spec, now
        if now - self._seen_at < self._held_for(found):
            return False
        self._version, self._sent = found.version if found else "", []
        transitions = int(found.spec.get("leaseTransitions") or 0) + 1 if found else 0
        return await self._write({"acquireTime": self._date(), "leaseTransitions": transitions})

    def _held_for(self, found: StoredLease | None) -> float:
        """Seconds without a change after which nobody holds it.

        An emptied Lease is one that was given back only if its duration says so: a holder whose name was removed by
        hand works until he finds out.
        """
        if found is None:
            return self._terms.without_lease
        duration = found.spec.get("leaseDurationSeconds") or self._terms.duration
        if found.holder == self._identity or (not found.holder and duration <= RELEASED):
            return 0.0  # our own, from before this process was started
        return float(duration)

    async def _renew(self) -> None:
        try:
            if not await self._write({}):
                await self._make_sure()
                await self._write({})
        except KubeError as error:
            logger.warning("the Lease was not renewed: %s", error)

    async def _write(self, changes: Mapping[str, Any]) -> bool:
        """Whether the Lease could be written as ours; False where its version is another by now."""
        asked = time.monotonic()
        spec = {**(self._sent[0] if self._sent else {}), **changes}
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._terms.duration,
            "renewTime": self._date(),
        }
        self._sent.append(spec)
        try:
            stored = await (self._store.write(spec, self._version) if self._version else self._store.create(spec))
        except (KubeConflict, NotFound):
            return False
        self._version, self._sent, self.renewed_at = stored.version, [stored.spec], asked
        return True

    async def _make_sure(self) -> None:
        """Take over the version of a Lease that is still ours. Raises ``LeaseLost`` where somebody else has written it.

        Ours are: a write whose answer was lost, a change of its labels, and a Lease that was deleted.
        """
        found = await self._store.read()
        if found is not None and found.spec not in self._sent:
            raise LeaseLost(f"the Lease {LEASE} was written by somebody else, its holder is {found.holder or 'nobody'}")
        self._version = found.version if found else ""

    def _date(self) -> str:
        date = datetime.fromtimestamp(self._wall(), UTC)
        return date.isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextlib.contextmanager
def watched(election: Election, terms: Terms, overdue: Callable[[], None]) -> Iterator[None]:
    """For the time of the block a thread calls ``overdue`` when no renewal has succeeded for ``terms.last`` seconds.

    An event loop that stands still cancels nothing, and goes on with its writes when it moves again.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(max(0.0, election.renewed_at + terms.last - time.monotonic())):
            if time.monotonic() - election.renewed_at >= terms.last:
                logger.critical("the Lease was not renewed for %.1f s: ending the process", terms.last)
                overdue()
                return

    threading.Thread(target=watch, name="lease", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


async def _stop(work: asyncio.Task[None], within: float, overdue: Callable[[], None]) -> None:
    work.cancel()
    done, _ = await asyncio.wait({work}, timeout=within)
    if not done:
        logger.critical("the Lease is lost and work goes on: ending the process")
        overdue()


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def _as_coroutine(run: Callable[[], Awaitable[None]]) -> None:
    await run()
