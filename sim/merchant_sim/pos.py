"""A merchant's point of sale: what it answers to one well-behaved call, and what that call changes.

    POST /orders/validate   200, or 422 with the reason
    POST /orders            201 and a ticket; a repeat under the same Idempotency-Key gets the same ticket, or 409 from
                            a merchant that only knows that it has the order
    GET  /orders/<id>       200, or 404 if this merchant never took that order

It takes a second order under another key for what it is: a second ticket.
"""

import hashlib
import json
import re
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import unquote

from merchant_sim.order_check import fault
from merchant_sim.records import Records

_ONE_ORDER = re.compile(r"/orders/([^/]+)")


@dataclass(frozen=True)
class Call:
    """One request as it came; `path` is still URL-quoted, `key` the Idempotency-Key or empty."""

    merchant: str
    method: str
    path: str
    key: str
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An HTTP status and a JSON body."""

    status: int
    body: dict[str, object]


class PointOfSale:
    """All merchants' points of sale over one book of records; at most `limit` tickets are remembered."""

    def __init__(self, records: Records, limit: int = 200_000) -> None:
        self.records = records
        self._limit = limit
        self._tickets: OrderedDict[tuple[str, str], None] = OrderedDict()

    def receive(self, call: Call) -> Answer | None:
        """Note the receipt. An answer here ends the call: no key, or a key used before for something else."""
        if not call.key:
            return Answer(400, {"error": "Idempotency-Key is missing"})
        if not self.records.receive(call.key, _content(call)):
            return Answer(422, {"error": "this Idempotency-Key came before with another content"})
        return None

    def serve(self, call: Call, *, conflict: bool = False) -> Answer:
        """Carry the call out; with `conflict` an order that the merchant has is refused."""
        match call.method, call.path:
            case "POST", "/orders/validate":
                return self._post(call, submit=False)
            case "POST", "/orders":
                return self._post(call, submit=True, conflict=conflict)
            case "GET", path if found := _ONE_ORDER.fullmatch(path):
                return self._get(call, unquote(found[1]))
        return Answer(404, {"error": f"no such thing here: {call.method} {call.path}"})

    def clear(self) -> None:
        """Forget tickets and records."""
        self._tickets.clear()
        self.records.clear()

    def _post(self, call: Call, *, submit: bool, conflict: bool = False) -> Answer:
        order = _json(call.body)
        reason = fault(order, call.merchant)
        if reason is not None or not isinstance(order, dict):
            return Answer(422, {"error": reason})
        if conflict and (call.merchant, order["id"]) in self._tickets:
            return Answer(409, {"error": f"{call.merchant} has order {order['id']} already"})
        self.records.carry_out(order["id"], call.merchant, call.key)
        if not submit:
            return Answer(200, {"order": order["id"], "valid": True, "total": order["total"]})
        self._tickets[call.merchant, order["id"]] = None
        while len(self._tickets) > self._limit:
            self._tickets.popitem(last=False)
        return Answer(201, {"order": order["id"], "status": "accepted", "total": order["total"]})

    def _get(self, call: Call, order: str) -> Answer:
        if (call.merchant, order) not in self._tickets:
            return Answer(404, {"error": f"{call.merchant} has no order {order}"})
        self.records.carry_out(order, call.merchant, call.key)
        return Answer(200, {"order": order, "status": "confirmed"})


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _content(call: Call) -> bytes:
    """What the request says, whatever its whitespace or the order of its fields: method, path and canonical body."""
    parsed = _json(call.body) if call.body else None
    body = call.body if parsed is None else json.dumps(parsed, sort_keys=True).encode()
    head = f"{call.method}\n{call.path}\n".encode()
    return hashlib.blake2b(head + body, digest_size=12).digest()
