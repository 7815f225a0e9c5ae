"""Carries out a plan's operations by calls of the management API; each is idempotent."""

from __future__ import annotations

import contextlib
from urllib.parse import quote_plus

from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.gather import gather
from merchantroute_operator.rabbit.management import Management
from merchantroute_operator.rabbit.topology_reader import arguments_of, binding_of
from merchantroute_operator.topology.objects import (
    Bind,
    Binding,
    Declare,
    Delete,
    Exchange,
    Op,
    Plan,
    Queue,
    Unbind,
)


async def run(management: Management, plan: Plan) -> None:
    """See ``broker_port.Broker.run``."""
    for batch in plan:
        await gather(batch, lambda op: _do(management, op))


async def _do(management: Management, op: Op) -> None:
    match op:
        case Declare(Exchange() as exchange):
            await _declare_exchange(management, exchange)
        case Declare(Queue() as queue):
            await _declare_queue(management, queue)
        case Bind(binding):
            await _bind(management, binding)
        case Unbind(binding):
            await _unbind(management, binding)
        case Delete(kind, name):
            with contextlib.suppress(NotFound):
                await management.call(
                    "DELETE", f"{kind}s", management.address.vhost, name, what=f"deleting {kind} {name}"
                )


async def _declare_exchange(management: Management, exchange: Exchange) -> None:
    body = {"type": exchange.kind, "durable": True, "auto_delete": False, "arguments": dict(exchange.arguments)}
    what = f"declaring exchange {exchange.name}"
    await management.call("PUT", "exchanges", management.address.vhost, exchange.name, what=what, body=body)


async def _declare_queue(management: Management, queue: Queue) -> None:
    body = {"durable": True, "auto_delete": False, "arguments": dict(queue.arguments)}
    what = f"declaring queue {queue.name}"
    await management.call("PUT", "queues", management.address.vhost, queue.name, what=what, body=body)


async def _bind(management: Management, binding: Binding) -> None:
    body = {"routing_key": binding.key, "arguments": arguments_of(binding)}
    what = f"binding {binding.target} to {binding.source}"
    await management.call("POST", *_path(management, binding), what=what, body=body)


async def _unbind(management: Management, binding: Binding) -> None:
    what = f"unbinding {binding.target} from {binding.source}"
    path = _path(management, binding)
    keys = [properties_key(binding.key)] if not binding.rung else await _looked_up(management, binding, what)
    for key in keys:
        with contextlib.suppress(NotFound):
            await management.call("DELETE", *path, key, what=what)


async def _looked_up(management: Management, binding: Binding, what: str) -> list[str]:
    """A binding with arguments is called by a hash of them that only the broker can make; a rung has one binding."""
    try:
        return await management.read(
            *_path(management, binding),
            what=what,
            parse=lambda found: [str(each["properties_key"]) for each in found if binding_of(each) == binding],
        )
    except NotFound:
        return []


def properties_key(routing_key: str) -> str:
    """What the management API calls a binding without arguments; ``~`` parts key and arguments there."""
    return quote_plus(routing_key, safe="").replace("~", "%7E") or "~"


def _path(management: Management, binding: Binding) -> tuple[str, ...]:
    kind = "q" if binding.to == "queue" else "e"
    return ("bindings", management.address.vhost, "e", binding.source, kind, binding.target)
