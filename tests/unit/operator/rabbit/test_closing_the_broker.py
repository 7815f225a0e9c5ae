"""A broker that is closed while it is asked something: whoever asked is told, and goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from merchantroute_operator.errors import BrokerUnreachable
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.harness.dialing import loopback

NOWHERE = BrokerAddress("rabbit", 5672, "operator", "secret", "/", "http://rabbit.nowhere:15672")


@pytest.fixture
def looking_up(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set once a name is looked up, which never ends."""
    begun = asyncio.Event()

    async def never(*_: Any, **__: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", never)
    return begun


async def test_a_call_whose_session_is_closed_ends_with_an_error_of_the_broker(looking_up: asyncio.Event) -> None:
    management = Management(NOWHERE, loopback())
    asked = asyncio.create_task(management.call("GET", "queues", what="reading queue figures"))
    await looking_up.wait()

    await management.close()

    with pytest.raises(BrokerUnreachable, match="reading queue figures"):
        await asked


async def test_a_call_that_is_cancelled_itself_stays_cancelled(looking_up: asyncio.Event) -> None:
    management = Management(NOWHERE, loopback())
    asked = asyncio.create_task(management.call("GET", "queues", what="reading queue figures"))
    await looking_up.wait()

    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked
    await management.close()
