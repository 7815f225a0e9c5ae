"""What is observed of orders: each is counted once, however often it is heard of."""

from merchantroute_kit.accounting.ledger import Completion
from merchantroute_kit.accounting.observed_orders import ObservedOrders, Published

SAID = Completion("r-2", "pod-a", 1, 0.25)


def observed() -> ObservedOrders:
    """r-0 is open, r-1 is dead, r-2 is done."""
    made = ObservedOrders(("submit",), {"bistro": "standard", "diner": "small"})
    for number, merchant in enumerate(["bistro", "bistro", "diner"]):
        made.publish(Published(f"r-{number}", merchant, "hang"))
    made.die("r-1", "malformed")
    made.complete(SAID)
    return made


def test_a_completion_heard_twice_is_one_and_a_second_dead_letter_is_noticed() -> None:
    made = observed()
    made.complete(SAID)
    made.die("r-1", "malformed")

    assert (len(made.completions["r-2"]), made.dead_twice, made.open()) == (1, {"r-1"}, {"r-0"})


def test_an_order_that_is_done_and_dead_has_ended_once() -> None:
    made = observed()
    assert (made.ended, made.backlog) == (2, 1)

    made.die("r-2", "max-age")
    assert (made.ended, made.backlog) == (2, 1)


def test_orders_are_told_apart_by_phase_tier_and_merchant() -> None:
    made = observed()

    assert made.orders(tiers=["small"]) == made.orders(merchant="diner") == {"r-2"}
    assert made.orders(phase="baseline") == set()
    assert made.seconds(made.orders()) == [0.25]
