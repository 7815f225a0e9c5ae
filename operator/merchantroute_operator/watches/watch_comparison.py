"""Runs kopf's watches, compares what they told with what the API server has, and starts them anew when they miss it.

A connection that a firewall forgot passes nothing more and is never closed: kopf gives a watch up that brings nothing,
not even a bookmark, for ``SILENCE`` seconds. Three faults are left. A watch that starts anew from a list is not told
what was deleted meanwhile; one may bring bookmarks and still miss changes; and there is none of a kind that kopf looked
for too early. Lists of metadata, now and then, find all of them.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import kopf

from merchantroute_operator import metrics
from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.kube_port import Kube
from merchantroute_operator.naming import KIND, MERCHANT
from merchantroute_operator.supervision import keep_running

logger = logging.getLogger(__name__)
KOPF = Path(kopf.__file__).parent
SILENCE = 70.0  # seconds; an API server sends a bookmark each minute where nothing happens
EVERY = 300.0  # seconds between two comparisons
# … while no watch has told of a route. kopf looks for a kind when its definition changes, and an API server serves it a
# moment after the last change: the routes of a definition that comes, or comes again, under a running operator.
WHILE_NONE = 20.0
SETTLE = 30.0  # seconds in which a watch must have told what a list had; far more than any event takes
COMPARED = (KIND, MERCHANT)  # what routes own and use has watches of its own, which list everything now and then

Name = tuple[str, str]
"""Namespace and name of an object."""


async def watch(handlers: kopf.OperatorRegistry, namespaces: Sequence[str] = ()) -> None:
    """Run kopf until SIGTERM or SIGINT comes, and again after each error; no namespaces are all of them.

    Every error that a watch is told ends kopf, except "410 Gone": an election in etcd does.
    """
    ended = asyncio.Event()
    run = partial(_run_kopf, handlers, namespaces, ended.set)
    await _first_of([asyncio.create_task(keep_running("watches", run)), asyncio.create_task(ended.wait())])


async def _run_kopf(handlers: kopf.OperatorRegistry, namespaces: Sequence[str], on_signal: Callable[[], None]) -> None:
    """Run kopf once, and leave SIGTERM and SIGINT to ``on_signal``. Raises what ended one of its tasks.

    Without rights on the cluster nobody can watch definitions and namespaces, so for some namespaces kopf does not try.
    ``kopf.operator`` takes every task that was begun since its own start for its own: at its end it waits for them for
    five seconds, and cancels them, those of reconciles and of brokers' loops too.
    """
    options = kopf.OperatorSettings()
    options.scanning.disabled = bool(namespaces)
    tasks = await kopf.spawn_tasks(
        registry=handlers, settings=options, standalone=True, clusterwide=not namespaces, namespaces=namespaces
    )
    try:
        await _first_of(tasks)
    finally:
        # kopf leaves its handlers behind, and what they set is read by nobody once it has ended.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, on_signal)
        # By an error kopf's orchestrator ends without the watches that it began, which would go on beside the next run.
        await _end(each for each in asyncio.all_tasks() if _is_kopfs(each))


async def _first_of(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until one of ``tasks`` has ended, raise what it raised, and end the others."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end(tasks)


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


def _is_kopfs(task: asyncio.Task[Any]) -> bool:
    """Whether kopf's ``aiotasks.guard`` runs in it, as in each task that is meant to go on until it is cancelled."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_name == "guard" and Path(code.co_filename).is_relative_to(KOPF)


@dataclass(slots=True)
class Heard:
    """What the watches told: the resourceVersion of each object, by its kind."""

    versions: dict[str, dict[Name, str]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, kind: str, name: Name, version: str) -> None:
        """An event told of the object."""
        self.versions[kind][name] = version

    def drop(self, kind: str, name: Name) -> None:
        """An event told that it is gone."""
        self.versions[kind].pop(name, None)


@dataclass(frozen=True, slots=True)
class Missed:
    """Objects of one kind whose change, or whose end, no watch told."""

    kind: str
    changed: frozenset[Name] = frozenset()
    gone: frozenset[Name] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone)


def missed(kind: str, before: Mapping[Name, str], listed: Mapping[Name, str], after: Mapping[Name, str]) -> Missed:
    """What a list had, and a watch has not told: ``before`` is what it had told then, ``after`` by now.

    A watch that told anything of an object since then is alive for it: events of one object come in their order.
    """
    silent = {name for name in {*before, *listed} if before.get(name) == after.get(name)}
    return Missed(
        kind,
        changed=frozenset(name for name in silent & listed.keys() if listed[name] != after.get(name)),
        gone=frozenset(name for name in silent - listed.keys() if name in after),
    )


@dataclass(slots=True)
class Watches:
    """``watch`` runs the watches until it is cancelled, and fills ``heard``.

    ``gone`` is called with kind, namespace and name of an object whose deletion no watch told. Times are seconds.
    """

    kube: Kube
    heard: Heard
    watch: Callable[[], Coroutine[Any, Any, None]]
    gone: Callable[[str, str, str], None]
    namespaces: Sequence[str] = ()
    every: float = EVERY
    while_none: float = WHILE_NONE
    settle: float = SETTLE

    async def run(self) -> None:
        """Return, or raise, as ``watch`` does."""
        while True:
            watching = asyncio.create_task(self.watch())
            comparing = asyncio.create_task(self._compare_until_missed())
            try:
                await asyncio.wait({watching, comparing}, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    return watching.result()
                comparing.result()
            finally:
                await _end((watching, comparing))

    async def _compare_until_missed(self) -> None:
        """Return when the watches have to be started anew: they list everything then."""
        while True:
            await asyncio.sleep(self.every if self.heard.versions[KIND] else self.while_none)
            found = [each for each in await self._compare() if each]
            for each in found:
                metrics.MISSED_EVENTS.labels(each.kind).inc(len(each.changed) + len(each.gone))
                for name in each.gone:
                    self.heard.drop(each.kind, name)
                    self.gone(each.kind, *name)
                examples = ", ".join("/".join(name) for name in sorted(each.changed | each.gone)[:3])
                logger.error(
                    "the watch of %ss missed %d changes and %d deletions (%s): all watches start anew",
                    each.kind, len(each.changed), len(each.gone), examples,
                )  # fmt: skip
            if found:
                return

    async def _compare(self) -> list[Missed]:
        before = {kind: dict(self.heard.versions[kind]) for kind in COMPARED}
        listed: dict[str, Mapping[Name, str]] = {}
        for kind in COMPARED:
            try:
                listed[kind] = await self.kube.versions(kind, self.namespaces)
            except KubeError as error:
                logger.info("what the watch of %ss told cannot be compared: %s", kind, error)
            except Exception:
                metrics.UNEXPECTED.labels("comparison").inc()
                logger.exception("what the watch of %ss told cannot be compared", kind)
        await asyncio.sleep(self.settle)
        return [missed(kind, before[kind], listed[kind], self.heard.versions[kind]) for kind in listed]
