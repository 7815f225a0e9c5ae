"""Events of one route and reason: what repeats counts, what is alike becomes one, and their number is bounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.api_errors import NotFound
from merchantroute_operator.kube.events import Events

ROUTE = {"apiVersion": "v", "kind": "k", "metadata": {"name": "pos", "namespace": "orders", "uid": "u1"}}


@dataclass
class Server:
    """An API server that keeps events, and a clock."""

    at: float = 0.0
    writes: int = 0
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.events = Events(cast(Api, self), lambda: self.at)

    async def call(self, method: str, path: str, *, name: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.writes += 1
        if method == "PATCH" and name not in self.stored:
            raise NotFound(path)
        self.stored[name] = {**self.stored.get(name, {}), **body}
        return {}

    def tell(self, reason: str, message: str) -> None:
        asyncio.run(self.events.event(ROUTE, "Normal", reason, message))

    def told(self) -> list[tuple[str, int]]:
        return [(event["message"], event["count"]) for event in self.stored.values()]


def test_what_repeats_is_one_event_and_written_every_ten_seconds_at_most() -> None:
    server = Server()
    for _ in range(600):  # ten minutes of a fight, one event a second
        server.tell("Repaired", "Deployment pos was changed: put back")
        server.at += 1
    assert server.writes <= 10 + 60
    server.at += 60
    server.tell("Repaired", "Deployment pos was changed: put back")
    assert server.told() == [("Deployment pos was changed: put back", 601)]


def test_many_that_are_alike_become_one_with_the_newest_words() -> None:
    server = Server()
    for number in range(15):
        server.tell("ScaledGrowing", f"From {number} to {number + 1} pods")
        server.at += 20
    assert len(server.stored) == 10
    assert server.told()[0] == ("From 0 to 1 pods", 1)
    assert server.told()[-1] == ("(newest of many alike) From 14 to 15 pods", 6)


def test_a_day_of_scaling_leaves_few_events_behind() -> None:
    server = Server()
    for number in range(3600 // 2):  # an hour, in which every tick scales
        server.tell("ScaledGrowing", f"From {number} to {number + 1} pods")
        server.at += 2
    assert len(server.stored) <= 70
    assert server.writes <= 10 + 360


def test_one_reason_does_not_silence_another() -> None:
    server = Server()
    for number in range(100):
        server.tell("Repaired", str(number))
    server.tell("BrokerUnreachable", "the broker does not answer")
    assert ("the broker does not answer", 1) in server.told()


def test_a_quiet_time_brings_the_full_number_back() -> None:
    server = Server()
    for number in range(30):
        server.tell("Repaired", str(number))
    assert len(server.stored) == 10
    server.at += 1000
    for number in range(30, 35):
        server.tell("Repaired", str(number))
    assert [words for words, _ in server.told()[10:]] == ["30", "31", "32", "33", "34"]
    assert server.told()[10][1] == 21  # twenty were held back
