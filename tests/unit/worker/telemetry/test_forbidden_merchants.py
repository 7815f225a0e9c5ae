"""Merchants that lead where no call may go are told until they lead elsewhere, and not for ever."""

from merchantroute_worker.egress.rules import Egress, parse_egress
from merchantroute_worker.telemetry.forbidden_merchants import MEMORY, Forbidden, ForbiddenMerchants


def met(at: float = 1.0, endpoint: str = "https://pos.example") -> Forbidden:
    return Forbidden(at, endpoint, Egress())


def test_it_ends_with_a_call_that_reaches_the_merchant_with_other_rules_or_another_endpoint() -> None:
    merchants = ForbiddenMerchants()
    for name in ("bistro", "tavern", "diner"):
        merchants.add(name, met())
    merchants.reached("bistro")
    assert merchants.names(2.0) == ["tavern", "diner"]

    merchants.changed({"tavern": "https://pos.example", "diner": "https://new.example"}.get, Egress())
    assert merchants.names(2.0) == ["tavern"]

    merchants.changed({"tavern": "https://pos.example"}.get, parse_egress({"allow": ["10.0.0.0/8"]}))
    assert not merchants.met


def test_those_that_no_order_met_for_long_and_the_oldest_of_many_are_dropped() -> None:
    merchants = ForbiddenMerchants(most=2)
    for at, name in enumerate(("bistro", "tavern", "diner", "tavern")):
        merchants.add(name, met(float(at)))

    assert merchants.names(3.0) == ["diner", "tavern"]
    assert merchants.names(MEMORY + 2.5) == ["tavern"]
    assert merchants.names(MEMORY + 4.0) == []
