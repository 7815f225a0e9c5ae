"""The verdict on a run: each promise that it broke, in words, with example ids and where to look. Pure."""

from collections.abc import Iterable, Mapping

from merchantroute_kit.accounting.ledger import Ledger

MOST_RATIO = 1.5
LEAST_HEALTHY = 1000


def failures(
    ledger: Ledger,
    *,
    malformed: Mapping[str, str],
    hung_orders: Iterable[str],
    ratio: float | None,
    control: float | None,
    healthy: Mapping[str, int],
    most_hung: int,
) -> list[str]:
    """Empty if all is well.

    `malformed` maps the ids that had to die to their reason, `hung_orders` are the hung merchant's ids, `healthy` is
    the number of healthy orders measured per phase, `most_hung` the most calls that hung at once, `control` the
    p99 ratio of the other tiers.
    """
    found = [
        *_ids(
            "lost", ledger.missing if ledger.lost else (), "neither done, dead nor queued: look at the workers' logs"
        ),
        *_ids(
            "doubled",
            ledger.doubled,
            "completed twice, or a step took effect twice: GET /admin/receipts of merchant-sim",
        ),
        *_ids(
            "copies", ledger.copies, "delivered again though nothing was killed: GET /admin/receipts of merchant-sim"
        ),
        *_ids("not dead", malformed.keys() - ledger.reasons.keys(), "malformed, yet not in dead letters"),
        *_ids("wrongly dead", ledger.reasons.keys() - malformed.keys(), _reasons(ledger, malformed)),
        *_ids("dead for another reason", _misjudged(ledger, malformed), _reasons(ledger, {})),
        *_ids("not done after healing", set(hung_orders) - malformed.keys() - ledger.done, "of the merchant that hung"),
    ]
    if ledger.queued:
        found.append(f"queued: {ledger.queued} messages are still in the route's queues; see the management UI")
    if most_hung == 0:
        found.append("hang: no call was ever seen hanging at the merchant, so nothing was shown")
    for phase, number in healthy.items():
        if number < LEAST_HEALTHY:
            found.append(f"p99: only {number} healthy orders in phase {phase}, {LEAST_HEALTHY} are needed")
    if ratio is None or ratio > MOST_RATIO:
        shown = "unknown" if ratio is None else f"{ratio:.2f}"
        found.append(f"p99: the healthy merchants' p99 ratio is {shown}, above {MOST_RATIO}: {_blame(control)}")
    return found


def _blame(control: float | None) -> str:
    if control is not None and control > MOST_RATIO:
        return (
            f"but tiers that the hang cannot reach saw {control:.2f}, so the machine was busy with something else; "
            "run it again when it is quiet, or with a lower --rate"
        )
    return "the hang was felt by its neighbours"


def _ids(what: str, orders: Iterable[str], why: str) -> list[str]:
    some = sorted(orders)
    return [f"{what}: {len(some)}, such as {', '.join(some[:3])} ({why})"] if some else []


def _misjudged(ledger: Ledger, malformed: Mapping[str, str]) -> set[str]:
    return {order for order, reason in malformed.items() if ledger.reasons.get(order, reason) != reason}


def _reasons(ledger: Ledger, expected: Mapping[str, str]) -> str:
    odd = {reason for order, reason in ledger.reasons.items() if order not in expected}
    return f"reasons: {', '.join(sorted(odd))}"
