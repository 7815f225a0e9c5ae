"""Reads a vhost's topology and queue figures from the management API.

All bindings of the vhost are read at once: only so are bindings from other people's exchanges seen. Of a vhost with
hundreds of routes ``vhost.named_reads`` reads what one of them has.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection, Mapping
from typing import Any, Literal

from merchantroute_operator.rabbit.gather import gather_named
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology, vhost_topology
from merchantroute_operator.topology.objects import Binding, Exchange, Queue, QueueSample, QueueTick

OURS = "mr."  # how the names of all routes' objects begin
LARGEST_COUNT = 2**63 - 1
OF_EXCHANGE = {"columns": "name,type,arguments", "disable_stats": "true"}
OF_QUEUE = {"columns": "name,arguments", "disable_stats": "true"}
OF_BINDING = {"columns": "source,destination,destination_type,routing_key,arguments"}
_SAMPLE = (
    "name,messages,messages_ready,messages_unacknowledged,message_stats.publish,consumers,policy,operator_policy,"
    "members,online,state"
)


async def read_topology(management: Management) -> VhostTopology:
    """All of the vhost; ``VhostTopology.of`` gives a route's part, as ``broker_port.Broker.observe`` says."""
    vhost, began = management.address.vhost, time.monotonic()
    exchanges, queues, bindings = await asyncio.gather(
        management.read(
            "exchanges",
            vhost,
            what="reading exchanges",
            parse=lambda found: [exchange_of(each) for each in rows(found) if _is_ours(each)],
            query=OF_EXCHANGE,
        ),
        management.read(
            "queues",
            vhost,
            what="reading queues",
            parse=lambda found: [queue_of(each) for each in rows(found) if _is_ours(each)],
            query=OF_QUEUE,
        ),
        management.read(
            "bindings",
            vhost,
            what="reading bindings",
            # Without a source it is the one that each queue has to its own name.
            parse=lambda found: [binding_of(each) for each in rows(found) if each["source"]],
            query=OF_BINDING,
        ),
    )
    return vhost_topology(began, exchanges, queues, bindings)


async def samples(management: Management) -> Mapping[str, QueueSample]:
    """See ``broker_port.Broker.samples``."""
    return await management.read(
        "queues",
        management.address.vhost,
        what="reading queue figures",
        parse=lambda found: {_text(queue, "name"): sample_of(queue) for queue in rows(found) if _is_ours(queue)},
        query={"columns": _SAMPLE},
    )


async def ticks(management: Management, queues: Collection[str]) -> Mapping[str, QueueTick]:
    """See ``broker_port.Broker.ticks``. Each is read by its name: the broker answers lists from a cache."""

    async def read(name: str) -> QueueTick:
        return await management.read(
            "queues",
            management.address.vhost,
            name,
            what=f"reading the figures of queue {name}",
            # Of a queue that has reported nothing yet the broker answers an empty list.
            parse=lambda row: QueueTick(_count((row or {}).get("messages")), _count((row or {}).get("reductions"))),
            query={"columns": "messages,reductions"},
        )

    return await gather_named(queues, read)


def sample_of(queue: Mapping[str, Any]) -> QueueSample:
    """One queue's figures; a broker leaves out what it does not know yet: consumers and policy come after lengths.

    A figure that cannot be one (negative, a fraction) is unknown as well.
    """
    stats = queue.get("message_stats") or {}
    policy = queue.get("policy") or queue.get("operator_policy")
    return QueueSample(
        messages=_count(queue.get("messages")),
        ready=_count(queue.get("messages_ready")),
        unacked=_count(queue.get("messages_unacknowledged")),
        published=_count(stats.get("publish")),
        consumers=_count(queue.get("consumers")),
        policy=policy if isinstance(policy, str) and policy else None,
        members=_length(queue.get("members")),
        online=_online(queue),
    )


def exchange_of(each: Mapping[str, Any]) -> Exchange:
    """One exchange."""
    return Exchange(_text(each, "name"), _text(each, "type"), _arguments(each))


def queue_of(each: Mapping[str, Any]) -> Queue:
    """One queue."""
    return Queue(_text(each, "name"), _arguments(each))


def binding_of(each: Mapping[str, Any]) -> Binding:
    """One binding; arguments that are not ours stand as JSON in ``rung``, so that it equals none of ours."""
    arguments = dict(_arguments(each))
    rung = arguments.get("mr-rung", "")
    if not isinstance(rung, str) or arguments != _rung_arguments(rung):
        rung = json.dumps(arguments, sort_keys=True)
    to: Literal["queue", "exchange"] = "queue" if _text(each, "destination_type") == "queue" else "exchange"
    return Binding(_text(each, "source"), _text(each, "destination"), to, _text(each, "routing_key"), rung)


def arguments_of(binding: Binding) -> dict[str, Any]:
    """The inverse: what to bind with."""
    if binding.rung.startswith("{"):
        arguments: dict[str, Any] = json.loads(binding.rung)
        return arguments
    return _rung_arguments(binding.rung)


def _rung_arguments(rung: str) -> dict[str, Any]:
    return {"x-match": "all", "mr-rung": rung} if rung else {}


def _is_ours(thing: Mapping[str, Any]) -> bool:
    return _text(thing, "name").startswith(OURS)


def rows(answer: object) -> list[Mapping[str, Any]]:
    """A list of objects. Raises ``TypeError`` for anything else."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise TypeError("no list of objects")
    return answer


def _text(row: Mapping[str, Any], key: str) -> str:
    """A name or a key. JSON can hold half a surrogate pair, which no broker could have stored."""
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    value.encode()
    return value


def _arguments(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Erlang writes an empty table as an empty list where it does not know better."""
    value = row.get("arguments") or {}
    if not isinstance(value, dict):
        raise TypeError("arguments are no object")
    for key, each in value.items():
        key.encode()
        if isinstance(each, str):
            each.encode()
        elif not isinstance(each, int):  # a table or a list, which none of ours has: a hundred thousand rows are read
            json.dumps(each, ensure_ascii=False).encode()
    return value


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT else None


def _online(queue: Mapping[str, Any]) -> int | None:
    """Unknown of a queue that runs and has no majority: it was made just now, and its members are yet to report."""
    members, online = _length(queue.get("members")) or 0, _length(queue.get("online"))
    made_now = online is not None and 2 * online <= members and queue.get("state") == "running"
    return None if made_now else online


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, list) else None
