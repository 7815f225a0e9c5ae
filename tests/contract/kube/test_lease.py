"""One operator is active: the next one takes over at once when it ends, and it stops when it cannot be sure."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.lease import LEASE, LeaseLost, Terms, lead
from merchantroute_operator.kube.lock import CALL
from merchantroute_operator.settings import Settings
from tests.contract.kube.test_refusals import moved, server_of
from tests.contract.silent_relay import wire
from tests.harness.cluster import Kubectl

QUICK = Terms(duration=4, deadline=2.0, retry=1.0, stopping=0.5)
LONG = Terms(duration=60, deadline=30.0, retry=1.0)


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
def settings(namespace: str) -> Settings:
    return replace(Settings.from_env({}), namespace=namespace, identity="first")


def holder(kubectl: Kubectl, namespace: str) -> str:
    return kubectl("-n", namespace, "get", "lease", LEASE, "-o", "jsonpath={.spec.holderIdentity}")


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 30)


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


async def test_work_stops_when_another_holds_the_lease_and_the_lease_stays_the_others(
    kube: KubeClient, settings: Settings, kubectl: Kubectl
) -> None:
    work = Work()
    leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK))
    await soon(work.started)
    stolen = json.dumps({"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 600}})

    kubectl("-n", settings.namespace, "patch", "lease", LEASE, "--type=merge", "-p", stolen)
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(leading, 30)

    assert work.cancelled
    assert holder(kubectl, settings.namespace) == "thief"


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
    ended = asyncio.Event()
    host, port = server_of(cluster)
    async with wire(host, port) as way, connect(str(moved(cluster, tmp_path, way.port))) as kube:
        leading = asyncio.create_task(lead(kube, settings, work.run, terms=QUICK, overdue=ended.set))
        await soon(work.started)
        way.cut()
        way.hold()
        try:
            await soon(ended)
        finally:
            work.finish.set()
        with pytest.raises(LeaseLost):
            await leading


def test_the_holder_stops_before_anybody_can_take_over() -> None:
    """The last try begins within the deadline, waits for two calls of CALL seconds, and stopping has its time."""
    terms = Terms()
    assert terms.retry + terms.deadline + 2 * CALL + terms.stopping < terms.duration
