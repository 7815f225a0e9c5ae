"""One read serves all who asked before it began, and nobody gets one that is older than they asked for."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from merchantroute_operator.errors import BrokerRefusedCredentials, BrokerUnreachable
from merchantroute_operator.rabbit.vhost.shared_reads import SharedRead


class Reads:
    """A broker that answers when it is told to, and a clock that moves with each look at it."""

    def __init__(self) -> None:
        self.ticks = count()
        self.shared: SharedRead[int] = SharedRead(lambda: float(next(self.ticks)))
        self.begun = 0
        self.answer = asyncio.Event()
        self.failure: Exception | None = None

    async def read(self) -> int:
        self.begun += 1
        mine, failure = self.begun, self.failure
        await self.answer.wait()
        if failure is not None:
            raise failure
        return mine


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_during_a_read_share_the_next_one() -> None:
    reads = Reads()
    first = asyncio.create_task(reads.shared.get(reads.read))
    await settle()
    others = [asyncio.create_task(reads.shared.get(reads.read)) for _ in range(20)]
    await settle()
    reads.answer.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2] * 20
    assert reads.begun == 2


async def test_whoever_takes_an_older_one_gets_it_without_a_read() -> None:
    reads = Reads()
    reads.answer.set()
    await reads.shared.get(reads.read)
    assert await reads.shared.get(reads.read, at_most=100) == 1
    assert await reads.shared.get(reads.read) == 2


async def test_a_refusal_of_somebody_elses_credentials_is_theirs() -> None:
    reads = Reads()
    reads.failure = BrokerRefusedCredentials("the password is wrong")
    first = asyncio.create_task(reads.shared.get(reads.read))
    await settle()
    reads.failure = None
    other = asyncio.create_task(reads.shared.get(reads.read, at_most=100))
    await settle()
    reads.answer.set()
    with pytest.raises(BrokerRefusedCredentials):
        await first
    assert await other == 2


async def test_a_broker_that_does_not_answer_is_asked_once_for_all() -> None:
    reads = Reads()
    reads.failure = BrokerUnreachable("no answer")
    asking = [asyncio.create_task(reads.shared.get(reads.read, at_most=100)) for _ in range(10)]
    await settle()
    reads.answer.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in found] == [BrokerUnreachable] * 10
    assert reads.begun == 1


async def test_who_is_cancelled_takes_nobody_elses_read_away() -> None:
    reads = Reads()
    first = asyncio.create_task(reads.shared.get(reads.read))
    await settle()
    other = asyncio.create_task(reads.shared.get(reads.read, at_most=100))
    await settle()
    first.cancel()
    await settle()
    reads.answer.set()
    assert await other == 1
