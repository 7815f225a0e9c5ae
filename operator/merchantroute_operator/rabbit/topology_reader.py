"""Reads a route's topology and queue figures from the management API.

All bindings of the vhost are read at once: 2,000 take 0.04 s on RabbitMQ 4.0.5, less than one request per exchange,
and only so are bindings from other people's exchanges seen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.topology.objects import Binding, Exchange, Queue, QueueSample, Topology

SAMPLED = "mr."
_SAMPLE = "name,messages,messages_ready,messages_unacknowledged,message_stats.publish,consumers,policy,operator_policy"


async def observe(management: Management, prefix: str) -> Topology:
    """See ``broker_port.Broker.observe``."""

    async def read(kind: str, **query: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = await management.call(
            "GET", kind, management.address.vhost, what=f"reading {kind}", query=query
        )
        return answer

    exchanges, queues, bindings = await asyncio.gather(
        read("exchanges", columns="name,type,arguments", disable_stats="true"),
        read("queues", columns="name,arguments", disable_stats="true"),
        read("bindings", columns="source,destination,destination_type,routing_key,arguments"),
    )
    ours_x = {x["name"]: Exchange(x["name"], x["type"], x["arguments"]) for x in exchanges if _is_inside(x, prefix)}
    ours_q = {q["name"]: Queue(q["name"], q["arguments"]) for q in queues if _is_inside(q, prefix)}
    found = (binding_of(each) for each in bindings if each["source"])  # without a source: each queue's own name
    return Topology(ours_x, ours_q, frozenset(b for b in found if b.source in ours_x or _leads_to(b, ours_x, ours_q)))


async def samples(management: Management) -> Mapping[str, QueueSample]:
    """See ``broker_port.Broker.samples``."""
    found = await management.call(
        "GET", "queues", management.address.vhost, what="reading queue figures", query={"columns": _SAMPLE}
    )
    return {queue["name"]: sample_of(queue) for queue in found if queue["name"].startswith(SAMPLED)}


def sample_of(queue: Mapping[str, Any]) -> QueueSample:
    """One queue's figures; a broker leaves out what it does not know yet: consumers and policy come after lengths."""
    stats = queue.get("message_stats") or {}
    return QueueSample(
        messages=queue.get("messages"),
        ready=queue.get("messages_ready"),
        unacked=queue.get("messages_unacknowledged"),
        published=stats.get("publish"),
        consumers=queue.get("consumers"),
        policy=queue.get("policy") or queue.get("operator_policy") or None,
    )


def binding_of(each: Mapping[str, Any]) -> Binding:
    """One binding; arguments that are not ours stand as JSON in ``rung``, so that it equals none of ours."""
    arguments = dict(each["arguments"])
    rung = arguments.get("mr-rung", "")
    if arguments != _rung_arguments(rung):
        rung = json.dumps(arguments, sort_keys=True)
    return Binding(each["source"], each["destination"], each["destination_type"], each["routing_key"], rung)


def arguments_of(binding: Binding) -> dict[str, Any]:
    """The inverse: what to bind with."""
    if binding.rung.startswith("{"):
        arguments: dict[str, Any] = json.loads(binding.rung)
        return arguments
    return _rung_arguments(binding.rung)


def _rung_arguments(rung: str) -> dict[str, Any]:
    return {"x-match": "all", "mr-rung": rung} if rung else {}


def _is_inside(thing: Mapping[str, Any], prefix: str) -> bool:
    name = thing["name"]
    return bool(name == prefix or name.startswith(f"{prefix}."))


def _leads_to(binding: Binding, exchanges: Mapping[str, Exchange], queues: Mapping[str, Queue]) -> bool:
    return binding.target in (exchanges if binding.to == "exchange" else queues)
