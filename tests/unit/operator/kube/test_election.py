"""One candidate of the election on a Lease in memory, whose answers can be lost after they took effect."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from merchantroute_operator.errors import KubeConflict, KubeError
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.lease import Election, LeaseLost, Terms
from merchantroute_operator.kube.lease_store import LeaseStore, StoredLease

AT_ONCE = Terms(retry=0.0, deadline=60.0)
GIVEN_BACK = {"leaseDurationSeconds": 1}


@dataclass
class MemoryLease:
    """A Lease; ``losing`` is how many of the next writes take effect and are not answered."""

    spec: dict[str, Any] | None = field(default_factory=lambda: dict(GIVEN_BACK))
    version: int = 1
    losing: int = 0
    writes: int = 0
    asked: int = 0

    async def read(self) -> StoredLease | None:
        self.asked += 1
        await asyncio.sleep(0)
        return None if self.spec is None else StoredLease(dict(self.spec), str(self.version))

    async def create(self, spec: Mapping[str, Any]) -> StoredLease:
        await asyncio.sleep(0)
        if self.spec is not None:
            raise KubeConflict("it exists")
        return self._store(dict(spec))

    async def write(self, spec: Mapping[str, Any], version: str) -> StoredLease:
        await asyncio.sleep(0)
        if self.spec is None:
            raise NotFound("it is gone")
        if version != str(self.version):
            raise KubeConflict("it has changed")
        merged = {**self.spec, **spec}
        return self._store({name: value for name, value in merged.items() if value is not None})

    def _store(self, spec: dict[str, Any]) -> StoredLease:
        self.spec, self.version, self.writes = spec, self.version + 1, self.writes + 1
        if self.losing:
            self.losing -= 1
            raise KubeError("the API server did not answer in time")
        return StoredLease(dict(spec), str(self.version))

    def change(self, **spec: Any) -> None:
        """Somebody else writes it."""
        self.spec, self.version = {**(self.spec or {}), **spec}, self.version + 1


def candidate(lease: MemoryLease, name: str = "first") -> Election:
    return Election(cast(LeaseStore, lease), name, AT_ONCE)


async def until_written(lease: MemoryLease, election: Election, more: int) -> None:
    """Keep the Lease until it was written so many more times; an end of the keeping is the test's."""
    enough = lease.writes + more
    keeping = asyncio.ensure_future(election.keep())
    async with asyncio.timeout(30):
        while lease.writes < enough and not keeping.done():
            await asyncio.sleep(0)
    if keeping.done():
        keeping.result()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize("losing", [1, 2, 5])
async def test_a_renewal_whose_answer_was_lost_is_ones_own(losing: int) -> None:
    lease = MemoryLease()
    election = candidate(lease)
    await election.acquire()
    lease.losing = losing
    await until_written(lease, election, losing + 3)
    assert lease.spec is not None
    assert lease.spec["holderIdentity"] == "first"


async def test_a_lease_that_was_taken_without_an_answer_is_taken() -> None:
    lease = MemoryLease(losing=1)
    await asyncio.wait_for(candidate(lease).acquire(), 30)
    assert lease.spec is not None
    assert lease.spec["holderIdentity"] == "first"


async def test_a_deleted_lease_is_made_anew_also_where_the_answer_is_lost() -> None:
    lease = MemoryLease()
    election = candidate(lease)
    await election.acquire()
    lease.spec, lease.losing = None, 1
    await until_written(lease, election, 3)


async def test_what_somebody_else_wrote_after_a_lost_answer_is_not_ones_own() -> None:
    lease = MemoryLease()
    election = candidate(lease)
    await election.acquire()
    lease.losing = 1
    await until_written(lease, election, 1)
    lease.change(holderIdentity="second")
    with pytest.raises(LeaseLost, match="its holder is second"):
        await until_written(lease, election, 2)
    await election.release()
    assert lease.spec is not None
    assert lease.spec["holderIdentity"] == "second"


async def test_one_that_never_held_it_gives_nothing_back() -> None:
    lease = MemoryLease()
    await candidate(lease).release()
    assert (lease.asked, lease.writes) == (0, 0)


@pytest.mark.parametrize(
    "held",
    [
        {"holderIdentity": "other", "leaseDurationSeconds": 3600},
        {"leaseDurationSeconds": 3600},  # emptied by hand, not given back
        {"holderIdentity": "other"},
    ],
)
async def test_a_lease_that_may_be_held_is_waited_for(held: dict[str, Any]) -> None:
    lease = MemoryLease(spec=held)
    waiting = asyncio.ensure_future(candidate(lease).acquire())
    async with asyncio.timeout(30):
        while lease.asked < 20:
            await asyncio.sleep(0)
    assert not waiting.done()
    assert lease.writes == 0

    lease.spec = dict(GIVEN_BACK)
    await asyncio.wait_for(waiting, 30)
