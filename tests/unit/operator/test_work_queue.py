"""Events collapse into passes: one key is one entry, and never two passes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from merchantroute_operator.work_queue import Budget, WorkQueue

PATIENCE = 10.0


async def run_until(queue: WorkQueue[str], done: asyncio.Event, workers: int = 4) -> None:
    running = asyncio.create_task(queue.run(workers))
    try:
        await asyncio.wait_for(done.wait(), PATIENCE)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def play(script: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(script(), 2 * PATIENCE))


def test_many_events_of_one_route_become_one_pass() -> None:
    passes: list[str] = []

    async def script() -> None:
        done = asyncio.Event()

        async def work(key: str) -> None:
            passes.append(key)
            if key == "last":
                done.set()

        queue = WorkQueue(work)
        for _ in range(50):
            queue.add("pos", after=0.01)
        queue.add("last", after=0.2)
        await run_until(queue, done)

    play(script)
    assert passes == ["pos", "last"]


def test_an_event_during_a_pass_brings_one_more_pass_and_never_two_at_once() -> None:
    active = 0
    overlaps: list[int] = []
    passes = 0

    async def script() -> None:
        nonlocal active, passes
        done, entered, leave = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work(_key: str) -> None:
            nonlocal active, passes
            active += 1
            passes += 1
            overlaps.append(active)
            entered.set()
            await leave.wait()
            active -= 1
            if passes == 2:
                done.set()

        queue = WorkQueue(work)
        queue.add("pos", after=0)
        running = asyncio.create_task(run_until(queue, done))
        await entered.wait()
        queue.add("pos", after=0)
        queue.add("pos", after=0)
        leave.set()
        await running

    play(script)
    assert passes == 2
    assert max(overlaps) == 1


def test_a_pass_that_asks_for_another_gets_it() -> None:
    passes = 0

    async def script() -> None:
        nonlocal passes
        done = asyncio.Event()

        async def work(_key: str) -> float | None:
            nonlocal passes
            passes += 1
            if passes < 3:
                return 0.0
            done.set()
            return None

        queue = WorkQueue(work)
        queue.add("pos", after=0)
        await run_until(queue, done)

    play(script)
    assert passes == 3


def test_a_pass_that_breaks_is_tried_again_and_does_not_stop_the_others() -> None:
    seen: list[str] = []

    async def script() -> None:
        done = asyncio.Event()

        async def work(key: str) -> None:
            seen.append(key)
            if seen.count("broken") == 2 and "healthy" in seen:
                done.set()
            if key == "broken":
                message = "a defect"
                raise ValueError(message)

        queue = WorkQueue(work)
        queue.add("broken", after=0)
        queue.add("healthy", after=0)
        await run_until(queue, done, workers=1)

    play(script)
    assert seen.count("broken") == 2
    assert "healthy" in seen


def test_a_pass_that_hangs_shows_as_the_longest_wait_and_idleness_does_not() -> None:
    readings: list[float] = []

    async def script() -> None:
        done, hang = asyncio.Event(), asyncio.Event()

        async def work(_key: str) -> None:
            await hang.wait()

        queue = WorkQueue(work)
        readings.append(queue.longest_wait())
        queue.add("pos", after=0)
        running = asyncio.create_task(run_until(queue, done))
        while queue.longest_wait() == 0:
            await asyncio.sleep(0)
        readings.append(queue.longest_wait())
        done.set()
        await running

    play(script)
    assert readings[0] == 0
    assert readings[1] > 0


def test_keys_that_wait_for_a_server_that_hangs_hold_up_nobody_else() -> None:
    seen: list[str] = []
    hung = 0
    most = 0

    async def script() -> None:
        done = asyncio.Event()

        async def work(key: str) -> float | None:
            nonlocal hung, most
            if key.startswith("hung"):
                hung += 1
                most = max(most, hung)
                await asyncio.Event().wait()
            seen.append(key)
            if len(seen) == 50:
                done.set()
            return 0.0 if len(seen) < 50 else None

        queue = WorkQueue(work, lambda key: Budget(key[:4], 2))
        for number in range(40):
            queue.add(f"hung-{number}", after=0)
        for number in range(5):
            queue.add(f"good-{number}", after=0)
        await run_until(queue, done, workers=4)

    play(script)
    assert most == 2
    assert {key[:4] for key in seen} == {"good"}
    assert len(set(seen)) == 5


def test_a_key_whose_group_has_no_room_gets_its_turn_when_another_has_ended() -> None:
    order: list[str] = []

    async def script() -> None:
        done, go = asyncio.Event(), asyncio.Event()

        async def work(key: str) -> None:
            order.append(f"begin {key}")
            if key == "first":
                await go.wait()
            order.append(f"end {key}")
            if key == "second":
                done.set()
            if key == "other":
                go.set()

        queue = WorkQueue(work, lambda key: Budget("other" if key == "other" else "same", 1))
        queue.add("first", after=0)
        running = asyncio.create_task(run_until(queue, done))
        while not order:
            await asyncio.sleep(0)
        queue.add("second", after=0)
        queue.add("other", after=0)
        await running

    play(script)
    assert order == ["begin first", "begin other", "end other", "end first", "begin second", "end second"]


def test_a_key_may_be_in_another_group_by_the_end_of_its_pass() -> None:
    groups = {"pos": "before"}
    passes: list[str] = []

    async def script() -> None:
        done = asyncio.Event()

        async def work(key: str) -> float | None:
            passes.append(groups[key])
            groups[key] = f"after {len(passes)}"
            if len(passes) == 3:
                done.set()
                return None
            return 0.0

        queue = WorkQueue(work, lambda key: Budget(groups[key], 1))
        queue.add("pos", after=0)
        await run_until(queue, done)
        assert not queue._groups

    play(script)
    assert passes == ["before", "after 1", "after 2"]


class Counted:
    """A key that notes how often a look-up of it begins."""

    looks = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def __hash__(self) -> int:
        Counted.looks += 1
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counted) and other.name == self.name


def looks_for_turns(turns: int, *, waiting: int, parked: int) -> int:
    """Look-ups that so many turns of one key take beside keys that are due much later, and keys without room."""
    looks: list[int] = []

    async def script() -> None:
        done, hang = asyncio.Event(), asyncio.Event()
        left = turns

        async def work(key: Counted) -> float | None:
            nonlocal left
            if key.name.startswith("hung"):
                await hang.wait()
            if left == turns:
                looks.append(Counted.looks)
            left -= 1
            if left:
                return 0.0
            looks.append(Counted.looks)
            done.set()
            return None

        queue = WorkQueue(work, lambda key: Budget(key.name[:4], 1))
        for number in range(waiting):
            queue.add(Counted(f"late-{number}"), after=1000)
        for number in range(parked + 1):
            queue.add(Counted(f"hung-{number}"), after=0)
        queue.add(Counted("good"), after=0)
        running = asyncio.create_task(queue.run(4))
        await asyncio.wait_for(done.wait(), PATIENCE)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(script)
    return looks[1] - looks[0]


def test_a_turn_goes_through_no_key_that_waits_for_something_else() -> None:
    alone = looks_for_turns(20, waiting=0, parked=0)
    assert looks_for_turns(20, waiting=500, parked=0) < 2 * alone
    assert looks_for_turns(20, waiting=0, parked=500) < 2 * alone


def test_keys_that_are_asked_for_earlier_again_and_again_are_kept_once() -> None:
    async def script() -> None:
        done = asyncio.Event()
        turns = 0

        async def work(_key: str) -> float | None:
            nonlocal turns
            turns += 1
            if turns < 500:
                queue.add("pos", after=0)
            else:
                done.set()
            return 1000.0

        queue = WorkQueue(work)
        queue.add("pos", after=0)
        await run_until(queue, done)
        for seconds in range(2000, 1000, -1):
            queue.add("burgers", after=seconds)
        assert len(queue._later) < 100

    play(script)


def test_a_key_that_leaves_a_full_group_gives_its_place_to_the_next() -> None:
    """Its server is another one by the time it gets room, and nobody else's turn ends there any more."""
    groups = {"first": "old", "second": "old", "third": "old", "other": "new"}
    order: list[str] = []

    async def script() -> None:
        done, go = asyncio.Event(), asyncio.Event()

        async def work(key: str) -> None:
            order.append(key)
            if key == "first":
                await go.wait()
            if key == "other":
                await asyncio.Event().wait()
            if key == "third":
                done.set()

        queue = WorkQueue(work, lambda key: Budget(groups[key], 1))
        for key in groups:
            queue.add(key, after=0)
        running = asyncio.create_task(run_until(queue, done))
        while len(order) < 2:
            await asyncio.sleep(0)
        groups["second"] = "new"
        go.set()
        await running

    play(script)
    assert order == ["first", "other", "third"]


def test_a_key_that_waits_for_room_goes_where_there_is_some_when_it_is_asked_for_again() -> None:
    groups = {"first": "old", "second": "old"}
    order: list[str] = []

    async def script() -> None:
        done = asyncio.Event()

        async def work(key: str) -> None:
            order.append(key)
            if key == "first":
                await asyncio.Event().wait()
            done.set()

        queue = WorkQueue(work, lambda key: Budget(groups[key], 1))
        for key in groups:
            queue.add(key, after=0)
        running = asyncio.create_task(run_until(queue, done))
        while not order:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        groups["second"] = "new"
        queue.add("second")
        await running

    play(script)
    assert order == ["first", "second"]
