"""Pulses are heard whatever else is sent, and again after the broker or the queue went away."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.rabbit.pulses import listener as listener_module
from merchantroute_operator.rabbit.pulses.listener import LONGEST, PulseListener
from merchantroute_operator.rabbit.pulses.pulse_format import parse_pulse
from merchantroute_operator.rabbit.pulses.shared_listener import SharedListener
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from tests.contract.rabbit.chains import until
from tests.contract.rabbit.users import user
from tests.contract.silent_relay import wire
from tests.harness.dialing import loopback

EXCHANGE = "mr-pulses.cluster-1"
PULSE: dict[str, Any] = {
    "pod": "pos-enterprise-stable-1", "namespace": "orders", "route": "pos", "tier": "enterprise", "lane": "stable",
    "started": 1790000000000, "at": 1790000002000, "generation": 7, "busy": 3, "busySeconds": 12.5,
    "finished": 7, "retried": 1, "dead": 0,
    "slow": [{"merchant": "burger/hut ü", "inFlight": 2, "oldest": 4.5}],
    "paused": [{"merchant": "taco ü", "seconds": 59.5}], "credentialsRefused": ["pasta ü"],
    "forbidden": ["pho ü"],
}  # fmt: skip
HEARD = Pulse(
    pod="pos-enterprise-stable-1", namespace="orders", route="pos", tier="enterprise", lane="stable",
    started=1790000000000, at=99.0, generation=7, busy=3, busy_seconds=12.5, finished=7,
    retried=1, dead=0, slow=frozenset({"burger/hut ü"}), paused=frozenset({"taco ü"}),
    credentials_refused=frozenset({"pasta ü"}), forbidden=frozenset({"pho ü"}),
)  # fmt: skip


@dataclass
class Ear:
    pulses: list[Pulse] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)


@asynccontextmanager
async def listening(address: BrokerAddress) -> AsyncIterator[Ear]:
    ear = Ear()
    listener = PulseListener(
        lambda: address, loopback(), EXCHANGE, ear.pulses.append, on_message=ear.good.append, clock=lambda: 99.0
    )
    task = asyncio.create_task(listener.run())
    try:
        yield ear
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def queues(vhost: Vhost) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vhost.api("GET", f"queues/{vhost.name}?disable_stats=true")
    return found


async def bound_queue(vhost: Vhost) -> dict[str, Any]:
    async def look() -> list[dict[str, Any]]:
        bindings = vhost.api("GET", f"bindings/{vhost.name}")
        bound = {each["destination"] for each in bindings if each["source"] == EXCHANGE}
        return [each for each in queues(vhost) if each["name"] in bound]

    (found,) = await until(look, lambda seen: len(seen) == 1)
    return found


async def send_until_heard(channel: AbstractChannel, ear: Ear) -> None:
    """As pods do: a pulse that nobody hears is followed by the next."""
    exchange = await channel.get_exchange(EXCHANGE, ensure=False)

    async def send() -> int:
        await exchange.publish(aio_pika.Message(json.dumps(PULSE).encode()), "", mandatory=False)
        return len(ear.pulses)

    await until(send, bool)


async def test_a_pods_pulse_is_heard(address: BrokerAddress, vhost: Vhost, channel: AbstractChannel) -> None:
    async with listening(address) as ear:
        await bound_queue(vhost)
        await send_until_heard(channel, ear)
        assert ear.pulses[0] == HEARD


async def test_users_of_a_vhost_hear_each_pulse_once_and_on_after_one_is_gone(
    address: BrokerAddress, vhost: Vhost, channel: AbstractChannel
) -> None:
    ear = Ear()
    shared = SharedListener(loopback(), EXCHANGE, ear.pulses.append, ear.good.append)
    wrong = replace(address, password="wrong")
    with user(vhost, address, tags="", configure=".*") as other:
        for each in (wrong, other, address):
            shared.add(each)
        first = await bound_queue(vhost)
        await send_until_heard(channel, ear)
        assert len(queues(vhost)) == 1
        await shared.drop(other)
        second = await until(lambda: bound_queue(vhost), lambda found: found["name"] != first["name"])
        assert [each["name"] for each in queues(vhost)] == [second["name"]]
        ear.pulses.clear()
        await send_until_heard(channel, ear)
        assert await shared.drop(wrong)
        assert not await shared.drop(address)

    async def all_queues() -> int:
        return len(queues(vhost))

    await until(all_queues, lambda count: count == 0)


async def test_what_is_no_pulse_is_counted_and_dropped(
    address: BrokerAddress, vhost: Vhost, channel: AbstractChannel
) -> None:
    async with listening(address) as ear:
        await bound_queue(vhost)
        exchange = await channel.get_exchange(EXCHANGE)
        await exchange.publish(aio_pika.Message(b"\xff{"), "")
        await send_until_heard(channel, ear)
        assert ear.good[0] is False
        assert ear.pulses[0] == HEARD


async def test_the_queue_is_short_the_operators_own_and_goes_with_it(address: BrokerAddress, vhost: Vhost) -> None:
    async with listening(address):
        queue = await bound_queue(vhost)
        assert queue["exclusive"]
        assert queue["arguments"] == {"x-queue-type": "classic", "x-max-length": LONGEST, "x-overflow": "drop-head"}
        exchange = vhost.api("GET", f"exchanges/{vhost.name}/{EXCHANGE}")
        assert (exchange["type"], exchange["durable"]) == ("fanout", True)

    async def look() -> list[dict[str, Any]]:
        return queues(vhost)

    await until(look, lambda seen: seen == [])
    assert vhost.api("GET", f"exchanges/{vhost.name}/{EXCHANGE}")["durable"]


async def test_pulses_are_heard_again_after_the_connection_was_cut(
    address: BrokerAddress, vhost: Vhost, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "CHECK", 600)
    async with wire(address.host, address.port) as way, listening(replace(address, port=way.port)) as ear:
        first = await bound_queue(vhost)
        way.cut()

        async def look() -> dict[str, Any]:
            return await bound_queue(vhost)

        await until(look, lambda seen: seen["name"] != first["name"])
        await send_until_heard(channel, ear)


async def test_pulses_are_heard_again_after_somebody_deleted_the_exchange(
    address: BrokerAddress, vhost: Vhost, channel: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "CHECK", 0.2)
    async with listening(address) as ear:
        await bound_queue(vhost)
        vhost.api("DELETE", f"exchanges/{vhost.name}/{EXCHANGE}")
        await bound_queue(vhost)
        await send_until_heard(channel, ear)


async def test_a_listener_outlives_wrong_credentials(address: BrokerAddress, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(replace(address, password="hunter2-wrong")):

        async def look() -> str:
            return caplog.text

        await until(look, lambda text: "no pulses until" in text)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"pod": ""}, {"pod": None}, {"busy": -1}, {"busy": 1.5}, {"busy": True}, {"generation": "7"},
        {"busySeconds": -0.1}, {"busySeconds": float("inf")}, {"busySeconds": float("nan")}, {"started": None},
    ],
)  # fmt: skip
def test_a_pulse_with_a_wrong_figure_is_none(change: dict[str, Any]) -> None:
    assert parse_pulse(json.dumps({**PULSE, **change}).encode(), at=0.0) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b"{}", b"[" * 100_000])
def test_what_is_no_json_object_is_no_pulse(body: bytes) -> None:
    assert parse_pulse(body, at=0.0) is None


def test_a_pulse_may_carry_more_than_is_known() -> None:
    assert parse_pulse(json.dumps({**PULSE, "new": 1}).encode(), at=99.0) == HEARD
