"""However many routes have something to say at once, each of them is limited on its own."""

from __future__ import annotations

from typing import Any, cast

import pytest

from merchantroute_operator.kube import events as events_module
from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.event_limits import BURST
from merchantroute_operator.kube.events import Events

ROUTES = 600


class Counting:
    """An API server that takes everything."""

    def __init__(self) -> None:
        self.writes = 0

    async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        self.writes += 1
        return {"metadata": {"name": f"event-{self.writes}"}}


def route(number: int) -> dict[str, Any]:
    kind = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute"}
    return {**kind, "metadata": {"uid": f"u{number}", "namespace": "orders", "name": f"route-{number}"}}


async def test_more_failing_routes_than_texts_are_remembered_write_no_more_than_each_may() -> None:
    api = Counting()
    events = Events(cast(Api, api), clock=lambda: 0.0)
    for turn in range(3 * BURST):
        for number in range(ROUTES):
            await events.event(route(number), "Warning", "BrokerUnreachable", f"no answer, try {turn}")
    assert api.writes == ROUTES * BURST


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "LIMITS", 200)
    monkeypatch.setattr(events_module, "REMEMBERED", 50)
    events = Events(cast(Api, Counting()), clock=lambda: 0.0)
    for number in range(210):
        await events.event(route(number), "Warning", "BrokerUnreachable", "no answer")
    assert len(events._limits) == 200
    assert len(events._posted) == 50
