"""What an older pod does not understand of one merchant keeps that merchant's orders waiting, and nothing else."""

from typing import Any

import pytest

from merchantroute_worker.orders import decisions
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.outcome import ToLadder
from merchantroute_worker.orders.route import Route, parse
from tests.unit.worker.samples import INDEX, ROUTE, order

GOOD = {"tier": "standard", "endpoint": "https://bistro.example/v1/"}
KEYS = {"type": "Bearer", "token": "s3cret"}


def loaded(entry: Any = GOOD, keys: Any = KEYS, **changes: Any) -> Route:
    """A route with one merchant that may be odd, and one that is not."""
    return parse(
        index=INDEX,
        route={**ROUTE, "defaultEndpoint": "https://any.example/{merchant}", **changes},
        merchants=[{"merchants": {"bistro": entry}}, {"merchants": {"tavern": {**GOOD, "credentials": {}}}}],
        credentials=[{"credentials": {"bistro": keys, "tavern": KEYS}}],
    )


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        (GOOD, {"type": "OAuth2", "tokenUrl": "https://idp.example", "secret": "s3cret"}),
        (GOOD, {"type": "Bearer", "key": "s3cret"}),
        (GOOD, ["s3cret"]),
        ({**GOOD, "endpoint": {"host": "bistro.example"}}, KEYS),
        ({"tier": "standard", "endpoints": ["https://bistro.example"]}, KEYS),
        (7, KEYS),
    ],
)
def test_only_that_merchant_waits_and_it_is_said_why(entry: Any, keys: Any) -> None:
    route = loaded(entry, keys)

    odd = decisions.before_slot(order(), {}, route, now=1e9, unknown_after=300)
    other = decisions.before_slot(order(merchant="tavern"), {}, route, now=1e9, unknown_after=300)

    assert isinstance(odd, ToLadder)
    assert (odd.reason, odd.outcome, odd.order.journal.attempts) == ("configuration", "deferred", 0)
    assert isinstance(other, Run)
    assert list(route.not_understood) == ["bistro"]
    assert "s3cret" not in route.not_understood["bistro"]


def test_what_is_understood_is_called() -> None:
    assert isinstance(decisions.before_slot(order(), {}, loaded(), now=1e9, unknown_after=300), Run)
    assert loaded().not_understood == {}
