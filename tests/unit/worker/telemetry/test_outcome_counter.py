"""Pulses and metrics count the same outcomes."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from merchantroute_worker.bulkhead.views import Totals
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.telemetry.counters import Counters
from merchantroute_worker.telemetry.metrics import Metrics
from merchantroute_worker.telemetry.outcome_counter import OutcomeCounter

WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}
OUTCOMES = ("done", "retried", "refused", "deferred", "dead")


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    """The values of what is exposed, by name and by outcome or reason."""
    text = metrics.render(slots=1, busy=0, merchants=Totals(slow=0, at_cap=0, known=0)).decode()
    return {
        (sample.name, sample.labels.get("outcome") or sample.labels.get("reason") or ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("count", "outcome", "by_reason"),
    [
        (lambda counter: counter.done(2.5), "done", ("merchantroute_order_seconds_sum", "")),
        (lambda counter: counter.to_ladder("retried", "5xx"), "retried", ("merchantroute_ladder_total", "5xx")),
        (lambda counter: counter.to_ladder("refused", "cap"), "refused", ("merchantroute_ladder_total", "cap")),
        (lambda counter: counter.to_ladder("deferred", "eta"), "deferred", ("merchantroute_ladder_total", "eta")),
        (lambda counter: counter.dead("max-age"), "dead", ("merchantroute_dead_total", "max-age")),
    ],
)
def test_pulses_and_metrics_agree(
    count: Callable[[OutcomeCounter], None], outcome: str, by_reason: tuple[str, str]
) -> None:
    counters, metrics = Counters(), Metrics(from_environment(WHERE))
    counter = OutcomeCounter(counters, metrics)

    count(counter)
    count(counter)

    expected = {name: 2 if name == outcome else 0 for name in OUTCOMES}
    assert {name: getattr(counters, name) for name in OUTCOMES} == expected
    exposed = samples(metrics)
    assert {name: exposed.get(("merchantroute_orders_total", name), 0) for name in OUTCOMES} == expected
    assert exposed[by_reason] == (5.0 if outcome == "done" else 2)
