"""How long orders wait on the ladder whose merchant takes no more of them at the moment."""

from merchantroute_worker.orders import decisions
from tests.unit.worker.samples import ROUTE, order, route


def test_where_a_rate_lets_few_begin_each_waits_longer_with_every_round_and_none_for_its_credentials() -> None:
    journal = {"v": 1, "steps": ROUTE["steps"], "done": [], "attempts": 0}
    rounds = [order(journal={**journal, "refusals": count}) for count in range(5)]

    limited = [decisions.waits(each, route(), "rate-limit", wait=0.1).rung for each in rounds]
    credentials = {decisions.waits(each, route(), "credentials-refused", wait=20.0).rung for each in rounds}

    assert (limited, credentials) == ([1_000, 1_000, 1_000, 15_000, 120_000], {15_000})
