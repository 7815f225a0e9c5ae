"""Whatever stands in a route, an operator reads it or says what is wrong: never another error, which would stop nothing
but be told to nobody. The API server refuses most of it; a definition may be older than the operator.
"""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from merchantroute_operator.errors import RouteError
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.sections.deletion import parse_deleting
from tests.unit.operator.route_samples import raw_route

WHOLE = raw_route(
    tiers=(
        {
            "name": "enterprise",
            "pool": "gevent",
            "concurrency": 20,
            "maxInFlightPerMerchant": 5,
            "scaling": {"minReplicas": 1, "maxReplicas": 3, "targetDrainTime": "30s", "scaleDownAfter": "2m"},
            "canary": {"weight": 20, "pool": "prefork", "concurrency": 3},
            "allowedMerchants": ["burger-*"],
            "merchantLimits": {"maxInFlight": 5, "maxRate": 0.5, "burst": 3},
        },
        {"name": "standard", "canary": {"steps": [5, 50, 100], "interval": "10m", "minOrders": 500}},
    ),
    merchants={"hut": "enterprise", "bar": "standard"},
    deletion={"policy": "Drain", "timeout": "15m", "onTimeout": "Retain", "deadLetters": "Retain"},
    paused=False,
    isolation={
        "mode": "Automatic",
        "pinned": ["hut"],
        "exempt": ["bar"],
        "maxOwnQueues": 20,
        "maxTrippedShare": 0.5,
        "merchantLimits": {"maxInFlight": 50},
    },
)
WHOLE["spec"]["orders"]["steps"].append(
    {
        "name": "confirm",
        "method": "PATCH",
        "path": "/orders/{order_id}",
        "query": {"store": "{fields.storeId?}"},
        "headers": {"X-Of": "{/customer/id}"},
        "body": {"json": {"items": ["{/lines}"]}},
        "verify": {"path": "/orders/{order_id}", "capture": {"posId": {"json": "/id"}}},
        "capture": {"posId": {"json": "/id"}, "etag": {"header": "ETag", "default": ""}},
        "success": [{"json": "/status", "in": ["ok"]}],
        "skipWhen": [{"value": "{/type}", "in": ["pickup"]}],
        "callTimeout": "5s",
        "answers": [{"answer": "409", "then": "Done"}],
        "maxAttempts": 3,
    }
)
FORM = {"name": "send", "method": "POST", "path": "/", "body": {"form": {"id": "{order_id}"}}}
WHOLE["spec"]["orders"]["workflows"] = [{"name": "square", "steps": [FORM]}]
WHOLE["spec"]["merchants"][0] |= {"workflow": "square", "fields": {"storeId": "s1"}}
TEXTS = st.sampled_from(["", "60s", "1m", "-1s", "1e9h", "0", "Infinity", "mr.x", "default", "é" * 200, "{merchant}"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=20)
JUNK = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.text(max_size=9), inner, max_size=3)
)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value within."""
    keys = document.keys() if isinstance(document, dict) else range(len(document) if isinstance(document, list) else 0)
    return [found for key in keys for found in ((*path, key), *places(document[key], (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The whole route with up to three values gone, doubled or replaced."""
    document = deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([path for path in places(document["spec"], ("spec",)) if len(path) > 1]))
        holder = document
        for key in path:
            holder = holder[key]
        match draw(st.sampled_from(["gone", "doubled", "replaced", "replaced"])):
            case "gone":
                del holder[last]
            case "doubled" if isinstance(holder, list):
                holder.append(deepcopy(holder[last]))
            case _:
                holder[last] = draw(JUNK)
    return document


@given(mutated())
def test_a_route_is_read_or_refused(document: dict[str, Any]) -> None:
    with suppress(RouteError):
        parse(document)


@given(mutated())
def test_a_route_that_is_deleted_is_read_whatever_it_says(document: dict[str, Any]) -> None:
    document["metadata"]["deletionTimestamp"] = "2027-01-15T08:01:40Z"
    parse_deleting(document)
