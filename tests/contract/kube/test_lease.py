"""One operator is active: the next one takes over at once when it ends, and it stops when it cannot be sure."""

import asyncio
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from merchantroute_kit.waiting import PATIENCE
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.lease import LEASE, LeaseLost, Terms, lead
from merchantroute_operator.kube.lease_store import LeaseStore
from merchantroute_operator.settings import Settings
from tests.contract.kube.test_refusals import moved, server_of
from tests.contract.silent_relay import wire
from tests.harness.cluster import Kubectl

QUICK = Terms(duration=8, retry=0.5, deadline=5.5, stopping=0.5, last=7.0)
LONG = Terms(duration=60, retry=1.0, deadline=30.0, last=50.0)
HOUR = 3600.0


@dataclass
class Work:
    """What an active operator does: it runs until told to stop, or told to finish."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False
    stubborn: bool = False

    async def run(self) -> None:
        self.started.set()
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            while self.stubborn and not self.finish.is_set():
                with suppress(asyncio.CancelledError):
                    await self.finish.wait()
            raise


@pytest.fixture
def settings(namespace: str, kubectl: Kubectl) -> Settings:
    """Of an operator in a namespace whose Lease was given back: one that is not there is waited for."""
    given_back = {"leaseDurationSeconds": 1}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE}, "spec": given_back}
    kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(body))
    return replace(Settings.from_env({}), namespace=namespace, identity="first")


def holder(kubectl: Kubectl, namespace: str) -> str:
    return kubectl("-n", namespace, "get", "lease", LEASE, "-o", "jsonpath={.spec.holderIdentity}")


def lease(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(kubectl("-n", namespace, "get", "lease", LEASE, "-o", "json"))["spec"]
    return spec


async def renewals(kube: KubeClient, namespace: str, count: int) -> None:
    """Wait until the Lease's time has been written anew ``count`` times."""
    store, seen = LeaseStore(kube.api, namespace, LEASE), set[str]()
    async with asyncio.timeout(60 * PATIENCE):
        while len(seen) <= count:
            if (stored := await store.read()) is not None:  # it is deleted for a moment
                seen.add(stored.spec["renewTime"])
            await asyncio.sleep(QUICK.retry / 5)


async def ended(work: Work, leading: asyncio.Task[None], *waiting: asyncio.Task[None]) -> None:
    """End the candidates, and then the one that works."""
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    work.finish.set()
    await leading


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 30)


@dataclass
class Stepping:
    """A wall clock that steps by so many seconds every other time that it is read."""

    step: float
    reads: int = 0

    def __call__(self) -> float:
        self.reads += 1
        return time.time() + (self.step if self.reads % 2 else 0.0)


async def test_the_next_operator_takes_over_as_soon_as_the_first_ends(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    first, second = Work(), Work()
    leading = asyncio.create_task(lead(kube, settings, first.run, terms=LONG))
    await soon(first.started)
    waiting = asyncio.create_task(lead(kube, replace(settings, identity="second"), second.run, terms=LONG))
    assert holder(kubectl, settings.namespace) == "first"
    assert not second.started.is_set()

    first.finish.set()
    await leading
    await soon(second.started)  # far sooner than the Lease's minute

    assert holder(kubectl, settings.namespace) == "second"
    second.finish.set()
    await waiting
    assert holder(kubectl, settings.namespace) == ""


async def test_an_operator_that_is_told_to_stop_gives_the_lease_back(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    work = Work()
    leading = asyncio.create_task(lead(kube, settings, work.run, terms=LONG))
    await soon(work.started)

    leading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leading

    assert work.cancelled
    assert holder(kubectl, settings.namespace) == ""


async def test_a_failure_of_the_work_is_not_hidden_and_frees_the_lease(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await lead(kube, settings, broken, terms=LONG)
    assert holder(kubectl, settings.namespace) == ""


@pytest.mark.parametrize(
    "written",
    [
        {"holderIdentity": "thief", "leaseDurationSeconds": 600},
        {"holderIdentity": "thief"},
        {"holderIdentity": None},
        {"renewTime": "2001-01-01T00:00:00.000000Z"},  # by a process that has our name
    ],
    ids=json.dumps,
)
async def test_work_stops_at_the_next_renewal_when_somebody_else_wrote_the_lease(
    kube: KubeClient, settings: Settings, kubectl: Kubectl, written: dict[str, object]
) -> None:
    """With terms of a minute: only the look at who wrote it can end the work within the test's patience."""
    work = Work()
    leading = asyncio.create_task(lead(kube, settings, work.run, terms=LONG))
    await soon(work.started)

    await asyncio.to_thread(
        kubectl, "-n", settings.namespace, "patch", "lease", LEASE, "--type=merge", "-p", json.dumps({"spec": written})
    )
    with pytest.raises(LeaseLost, match="written by somebody else"):
        await asyncio.wait_for(leading, 20)

    assert work.cancelled
    spec = lease(kubectl, settings.namespace)
    assert {key: spec.get(key) for key in written} == written, "a Lease of somebody else's is left alone"


async def test_a_label_on_the_lease_changes_nothing(kube: KubeClient, settings: Settings, kubectl: Kubectl) -> None:
    work = Work()
    leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK))
    await soon(work.started)

    await asyncio.to_thread(kubectl, "-n", settings.namespace, "label", "lease", LEASE, "team.example/seen=yes")
    await renewals(kube, settings.namespace, 3)

    assert not leading.done()
    work.finish.set()
    await leading


async def test_a_lease_that_is_deleted_is_made_anew_by_its_holder_and_nobody_takes_it(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    first, second, third = Work(), Work(), Work()
    leading = asyncio.create_task(lead(kube, settings, first.run, terms=QUICK))
    await soon(first.started)
    waiting = [asyncio.create_task(lead(kube, replace(settings, identity="second"), second.run, terms=QUICK))]

    await asyncio.to_thread(kubectl, "-n", settings.namespace, "delete", "lease", LEASE)
    waiting += [asyncio.create_task(lead(kube, replace(settings, identity="third"), third.run, terms=QUICK))]
    await renewals(kube, settings.namespace, 20)  # every half second, more than the Lease's eight

    assert not leading.done()
    assert not second.started.is_set()
    assert not third.started.is_set()
    assert holder(kubectl, settings.namespace) == "first"
    await ended(first, leading, *waiting)


async def test_steps_of_the_clock_neither_take_the_lease_nor_lose_it(kube: KubeClient, settings: Settings) -> None:
    """Both processes' clocks go an hour ahead and an hour back, each more than once, while the first one leads."""
    first, second = Work(), Work()
    leading = asyncio.create_task(lead(kube, settings, first.run, terms=QUICK, wall=Stepping(HOUR)))
    await soon(first.started)
    waiting = asyncio.create_task(
        lead(kube, replace(settings, identity="second"), second.run, terms=QUICK, wall=Stepping(-HOUR))
    )

    await renewals(kube, settings.namespace, 20)  # every half second, more than the Lease's eight

    assert not leading.done()
    assert not second.started.is_set()
    await ended(first, leading, waiting)


async def test_a_holder_that_says_nothing_is_succeeded_whatever_the_time_in_its_lease(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    """As a killed one leaves it: its clock was years ahead."""
    dead = {"holderIdentity": "dead", "leaseDurationSeconds": 2, "renewTime": "2099-01-01T00:00:00.000000Z"}
    kubectl("-n", settings.namespace, "patch", "lease", LEASE, "--type=merge", "-p", json.dumps({"spec": dead}))
    work = Work()

    leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK))
    await soon(work.started)

    assert lease(kubectl, settings.namespace)["leaseTransitions"] == 1
    await ended(work, leading)


async def test_the_process_ends_where_the_event_loop_stands_still(settings: Settings, kube: KubeClient) -> None:
    """A thread sees that no renewal comes: the loop is held here for as long as it takes."""
    told = threading.Event()

    async def blocks() -> None:
        assert told.wait(30)

    with suppress(LeaseLost):
        await lead(kube, settings, blocks, terms=QUICK, overdue=told.set)
    assert told.is_set()


async def test_work_stops_when_the_api_server_does_not_answer_any_more(
    cluster: Path, tmp_path: Path, settings: Settings
) -> None:
    work = Work()
    host, port = server_of(cluster)
    async with wire(host, port) as way, connect(str(moved(cluster, tmp_path, way.port))) as kube:
        leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK))
        await soon(work.started)

        way.hold()

        with pytest.raises(LeaseLost):
            await asyncio.wait_for(leading, 30)
    assert work.cancelled


async def test_work_that_does_not_stop_ends_with_the_process(cluster: Path, tmp_path: Path, settings: Settings) -> None:
    work = Work(stubborn=True)
    loop, overdue = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        loop.call_soon_threadsafe(overdue.set)

    host, port = server_of(cluster)
    async with wire(host, port) as way, connect(str(moved(cluster, tmp_path, way.port))) as kube:
        leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK, overdue=end))
        await soon(work.started)
        way.cut()
        way.hold()
        try:
            await soon(overdue)
        finally:
            work.finish.set()
        with pytest.raises(LeaseLost):
            await leading


def test_the_holder_stops_before_anybody_can_take_over() -> None:
    """It stops within the deadline and its time for stopping, its thread ends it then; the other waits for longer."""
    terms = Terms()
    assert terms.deadline + terms.stopping < terms.last < terms.duration
