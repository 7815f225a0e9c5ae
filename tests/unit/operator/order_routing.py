"""A model of how RabbitMQ routes, to follow an order through any state that a plan passes.

As in the broker: an exchange that matches nothing hands on to its alternate, one that matches anything does not, a
missing alternate is a black hole, an exchange is visited once per order, and two ways to one queue are one copy.
"""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

from merchantroute_operator.topology.objects import (
    Bind,
    Binding,
    Declare,
    Delete,
    Exchange,
    Op,
    Plan,
    Queue,
    Topology,
    Unbind,
)
from merchantroute_operator.topology.splits import HASH

NOTHING = Topology({}, {}, frozenset())


def apply(topology: Topology, op: Op) -> Topology:
    """The broker after one call; a binding whose ends are not both there is an error, as in the broker."""
    exchanges, queues, bindings = dict(topology.exchanges), dict(topology.queues), topology.bindings
    match op:
        case Declare(Exchange() as exchange):
            exchanges.setdefault(exchange.name, exchange)
        case Declare(Queue() as queue):
            queues.setdefault(queue.name, queue)
        case Bind(binding):
            assert binding.source in exchanges, f"{binding.source} is not there"
            assert binding.target in (exchanges.keys() if binding.to == "exchange" else queues.keys())
            bindings |= {binding}
        case Unbind(binding):
            bindings -= {binding}
        case Delete():
            if op.kind == "exchange":
                exchanges.pop(op.name, None)
            else:
                queues.pop(op.name, None)
            bindings = frozenset(
                b
                for b in bindings
                if not (b.target == op.name and b.to == op.kind) and not (b.source == op.name and op.kind == "exchange")
            )
    return replace(topology, exchanges=exchanges, queues=queues, bindings=bindings)


def run(topology: Topology, plan: Plan) -> Topology:
    """The broker after a whole plan."""
    for batch in plan:
        for op in batch:
            topology = apply(topology, op)
    return topology


def arrives(topology: Topology, exchange: str, key: str, rung: str = "") -> set[str]:
    """The queues that get a copy of an order published to ``exchange``."""
    seen: set[str] = set()
    queues: set[str] = set()
    todo = [exchange]
    while todo:
        name = todo.pop()
        if name in seen or name not in topology.exchanges:
            continue
        seen.add(name)
        matched = [
            b for b in topology.bindings if b.source == name and _matches(topology.exchanges[name], b, key, rung)
        ]
        if topology.exchanges[name].kind == HASH:
            matched = _chosen(matched, key)
        queues |= {b.target for b in matched if b.to == "queue"}
        todo += [b.target for b in matched if b.to == "exchange"]
        if not matched and (alternate := topology.exchanges[name].arguments.get("alternate-exchange")):
            todo.append(str(alternate))
    return queues


def _chosen(bindings: list[Binding], key: str) -> list[Binding]:
    """One of them, by weight; here the merchant stands for the order. The first binding of a target counts."""
    parts = [b for b in sorted(bindings, key=lambda b: b.target) for _ in range(int(b.key))]
    return [parts[crc32(key.encode()) % len(parts)]] if parts else []


def _matches(exchange: Exchange, binding: Binding, key: str, rung: str) -> bool:
    match exchange.kind:
        case "direct":
            return binding.key == key
        case "headers":
            return binding.rung == rung
        case _:
            return True
