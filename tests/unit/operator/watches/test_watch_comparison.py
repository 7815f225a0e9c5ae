"""What a list has and no watch told is found, told, and has the watches started anew; a live watch is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.kube_port import Kube
from merchantroute_operator.naming import KIND, MERCHANT
from merchantroute_operator.watches.watch_comparison import Heard, Missed, Watches, missed

POS, BAR = ("orders", "pos"), ("orders", "bar")


@pytest.mark.parametrize(
    ("before", "listed", "after", "changed", "gone"),
    [
        ({POS: "1"}, {POS: "1"}, {POS: "1"}, set(), set()),
        ({POS: "1"}, {POS: "2"}, {POS: "2"}, set(), set()),  # told meanwhile
        ({POS: "1"}, {POS: "2"}, {POS: "3"}, set(), set()),  # more was told meanwhile
        ({POS: "1"}, {POS: "2"}, {POS: "1"}, {POS}, set()),
        ({}, {POS: "1"}, {POS: "1"}, set(), set()),
        ({}, {POS: "1"}, {}, {POS}, set()),
        ({POS: "1"}, {}, {}, set(), set()),
        ({POS: "1"}, {}, {POS: "1"}, set(), {POS}),
        ({POS: "1"}, {}, {POS: "2"}, set(), set()),  # made anew
        ({}, {}, {POS: "1"}, set(), set()),  # made after the list
        ({POS: "1", BAR: "5"}, {POS: "2", BAR: "5"}, {POS: "2", BAR: "5"}, set(), set()),
        ({POS: "1", BAR: "5"}, {POS: "2"}, {POS: "1", BAR: "5"}, {POS}, {BAR}),
    ],
)
def test_missed_is_what_was_listed_and_not_told_since(
    before: Mapping[Any, str], listed: Mapping[Any, str], after: Mapping[Any, str], changed: set[Any], gone: set[Any]
) -> None:
    assert missed(KIND, before, listed, after) == Missed(KIND, frozenset(changed), frozenset(gone))


@dataclass
class Lists:
    """An API server's lists; ``on_list`` happens once each list was made."""

    stored: dict[Any, str]
    on_list: Callable[[], None] = lambda: None
    lists: int = 0

    async def versions(self, kind: str, *_: object) -> Mapping[Any, str]:
        if kind == MERCHANT:
            raise KubeError("the cluster does not have it")
        if kind != KIND:
            raise TypeError("an answer that nothing foresaw")
        self.lists += 1
        stored = dict(self.stored)
        self.on_list()
        return stored


@dataclass
class Running:
    """Watches with a run that is counted."""

    lists: Lists
    heard: Heard = field(default_factory=Heard)
    runs: int = 0
    gone: list[tuple[str, ...]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    every: float = 0.0

    async def watch(self) -> None:
        self.runs += 1
        await self.ended.wait()

    def start(self) -> asyncio.Task[None]:
        watches = Watches(
            cast(Kube, self.lists),
            self.heard,
            self.watch,
            lambda *name: self.gone.append(name),
            every=self.every,
            while_none=0.0,
            settle=0.0,
        )
        return asyncio.create_task(watches.run())


async def reached(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def test_a_deletion_that_no_watch_told_is_told_and_the_watches_start_anew() -> None:
    running = Running(Lists({}))
    running.heard.put(KIND, POS, "1")
    task = running.start()
    await reached(lambda: running.runs == 2)
    assert running.gone == [(KIND, *POS)]
    running.ended.set()
    await task


async def test_a_change_that_no_watch_told_has_the_watches_start_anew_until_it_is_told() -> None:
    running = Running(Lists({POS: "2"}))
    running.heard.put(KIND, POS, "1")
    task = running.start()
    await reached(lambda: running.runs == 3)
    running.heard.put(KIND, POS, "2")
    at, lists = running.runs, running.lists.lists
    await reached(lambda: running.lists.lists > lists + 5)
    assert running.runs <= at + 1
    assert running.gone == []
    running.ended.set()
    await task


async def test_watches_that_tell_what_was_listed_run_on() -> None:
    running = Running(Lists({POS: "1"}))
    running.lists.on_list = lambda: running.heard.put(KIND, POS, running.lists.stored[POS])
    task = running.start()
    for version in ("2", "3", "4"):
        running.lists.stored[POS] = version
        lists = running.lists.lists
        await reached(lambda lists=lists: running.lists.lists > lists + 2)  # type: ignore[misc]
    assert running.runs == 1
    running.ended.set()
    await task


async def test_while_no_route_was_told_of_it_looks_much_sooner() -> None:
    """A definition that comes while the operator runs: kopf may look for it too early, and not again."""
    running = Running(Lists({POS: "1"}), every=1e9)
    task = running.start()
    await reached(lambda: running.runs == 2)
    running.heard.put(KIND, POS, "1")
    await some_turns()
    lists = running.lists.lists
    await some_turns()
    assert running.lists.lists == lists, "a watch that tells of a route is compared now and then"
    running.heard.drop(KIND, POS)
    running.ended.set()
    await task


async def some_turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_the_end_of_the_watches_is_the_end() -> None:
    running = Running(Lists({}))

    async def broken() -> None:
        raise RuntimeError("kopf ended")

    with pytest.raises(RuntimeError, match="kopf ended"):
        await Watches(cast(Kube, running.lists), running.heard, broken, lambda *_: None).run()
