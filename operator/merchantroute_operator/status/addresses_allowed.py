"""AddressesAllowed: whether any merchant's endpoint leads where the route lets no call go, as pods say."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "AddressesAllowed"


def addresses_allowed(view: View) -> Condition:
    """False with the merchants' ids, the first few of them: their orders are dead letters, and those of others flow."""
    if not view.forbidden and not view.queues_ready:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "No pod can have called a merchant yet")
    if not view.forbidden:
        return Condition(TYPE, "True", Reason.AS_WANTED, "No merchant leads where no call may go")
    words = (
        "These merchants lead to no address that spec.egress.allow lets in, and their orders are dead letters "
        f"(forbidden-address): {some(view.forbidden)}"
    )
    return Condition(TYPE, "False", Reason.ADDRESS_FORBIDDEN, words)
