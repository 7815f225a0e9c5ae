"""Leader election: two active operators would each re-route orders, and leave doubled bindings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kubernetes.aio.leaderelection import electionconfig, leaderelection

from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.lock import BoundedLock
from merchantroute_operator.settings import Settings

logger = logging.getLogger(__name__)
LEASE = "merchantroute-operator"


class LeaseLost(Exception):
    """Another operator may be active from now on; this process must end."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. A candidate takes over ``duration`` after the last renewal that it saw.

    ``deadline`` after its own last renewal the holder stops: with the call that is then under way and ``stopping``
    it is gone before anybody takes over.
    """

    duration: int = 15  # the library takes whole seconds only
    deadline: float = 8.0
    retry: float = 2.0
    stopping: float = 1.5


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
) -> None:
    """Wait for the Lease, then ``run`` once; give the Lease back when it ends or is cancelled.

    Raises ``LeaseLost`` after ``run`` was cancelled because the Lease could not be renewed; what does not stop within
    ``terms.stopping`` is ended by ``overdue``.
    """
    terms = terms or Terms()
    lock = BoundedLock(LEASE, settings.namespace, settings.identity, kube.api)
    elected, lost = asyncio.Event(), asyncio.Event()
    election = asyncio.create_task(_elect(lock, terms, elected, lost))
    work: asyncio.Task[None] | None = None
    try:
        await _first(elected.wait(), election)
        if not elected.is_set():
            election.result()
            raise LeaseLost(f"the election for Lease {LEASE} ended")
        logger.info("this process is the active operator: %s", settings.identity)
        work = asyncio.create_task(_as_coroutine(run))
        await _first(work, lost.wait(), election)
        if not work.done():
            await _stop(work, terms.stopping, overdue)
            raise LeaseLost(f"the Lease {LEASE} was not renewed for {terms.deadline:.0f} s")
        work.result()
    finally:
        if work is not None:
            await _cancelled(work)
        await _cancelled(election)
        if elected.is_set() and not lost.is_set():
            await lock.release()


async def _elect(lock: BoundedLock, terms: Terms, elected: asyncio.Event, lost: asyncio.Event) -> None:
    """The library's election. It goes on renewing when its work has ended, so the work is not started by it."""

    async def start() -> None:
        elected.set()

    async def stop() -> None:
        lost.set()

    config = electionconfig.Config(
        lock,
        lease_duration=terms.duration,
        renew_deadline=terms.deadline,
        retry_period=terms.retry,
        onstarted_leading=start,
        onstopped_leading=stop,
    )
    await leaderelection.LeaderElection(config).run()


async def _first(*awaited: Awaitable[object]) -> None:
    """Wait for the first of them; those that were only waited for are let go."""
    tasks = {asyncio.ensure_future(each) for each in awaited}
    own = {task for task in tasks if task not in awaited}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in own:
            task.cancel()


async def _stop(work: asyncio.Task[None], within: float, overdue: Callable[[], None]) -> None:
    work.cancel()
    done, _ = await asyncio.wait({work}, timeout=within)
    if not done:
        logger.critical("the Lease is lost and work goes on: ending the process")
        overdue()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def _as_coroutine(run: Callable[[], Awaitable[None]]) -> None:
    await run()
