"""Pulses, completion records, counters and readiness match their schemas."""

import json
import logging
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.outcomes.ack_batch import ImmediateAcks
from merchantroute_worker.outcomes.completions import order_record
from merchantroute_worker.pod import Pod
from merchantroute_worker.reporting import pulses
from merchantroute_worker.telemetry.counters import Counters
from merchantroute_worker.telemetry.forbidden_merchants import Forbidden
from merchantroute_worker.telemetry.logs import JsonFormatter
from merchantroute_worker.telemetry.readiness import Readiness
from tests.unit.worker.samples import ROUTE, order

SCHEMAS = Path(__file__).resolve().parents[4] / "schema"
WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}


def schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return document


def test_a_pulse_is_as_the_schema_has_it() -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    pod.bulkhead.acquire("hung", "slot", -1_000.0)

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, schema("pulse"))
    assert pulse["slow"][0]["merchant"] == "hung"
    assert (pulse["busy"], pulse["generation"]) == (0, 0)


def test_a_pulse_names_merchants_that_asked_for_time_or_refuse_their_credentials_and_no_credential() -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    assert not {"paused", "credentialsRefused"} & pulses.document(pod).keys()
    now = pod.clock.now()
    for number in range(150):
        pod.bulkhead.refusals.asked_to_wait(f"p-{number}", now, began=now, seconds=600.0 + number)
        pod.bulkhead.refusals.refused_credentials(f"r-{number}", now, credential="s3cret", step="submit", began=now)

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, schema("pulse"))
    assert (len(pulse["paused"]), pulse["paused"][0]["merchant"]) == (100, "p-149")
    assert pulse["credentialsRefused"] == [f"r-{number}" for number in range(100)]
    assert "s3cret" not in json.dumps(pulse)


def test_a_pulse_names_merchants_that_lead_where_no_call_may_go() -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    assert "forbidden" not in pulses.document(pod)
    for number in range(150):
        pod.forbidden_merchants.add(f"m-{number}", Forbidden(pod.clock.now(), "https://pos.example", Egress()))

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, schema("pulse"))
    assert pulse["forbidden"] == [f"m-{number}" for number in range(50, 150)]


def test_a_pulse_tells_how_many_orders_a_merchant_answered_429_and_how_long_it_is_paused() -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    now = pod.clock.now()
    pod.bulkhead.acquire("busy", "slot", now)
    pod.bulkhead.asked_to_wait("busy", now, began=now, seconds=60.0)
    pod.bulkhead.attempted("busy", failed=True, limited_at=now)

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, schema("pulse"))
    (busy,) = pulse["merchants"]
    assert (busy["failed"], busy["limited"]) == (1, 1)
    assert 0 < busy["pausedFor"] <= 60.0


def test_a_pulse_reports_a_blocked_hub_only_if_it_was_blocked() -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    assert "blocked" not in pulses.document(pod)
    pod.hub_was_blocked(2.5, 0.0)
    pod.hub_was_blocked(1.0, 0.0)

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, schema("pulse"))
    assert {**pulse["blocked"], "ago": 0} == {"count": 2, "longest": 2.5, "latest": 1.0, "ago": 0}


def test_a_completion_record_is_as_the_schema_has_it() -> None:
    journal = {"v": 1, "steps": ROUTE["steps"], "done": ["validate", "confirm"], "attempts": 2, "refusals": 0}
    done = order(journal=journal, headers={"mr-published-at": 1_000})

    document = order_record(from_environment(WHERE), done, finished_at=3.5, redelivered=False)

    jsonschema.validate(document, schema("completion"))
    assert (document["seconds"], document["attempts"], document["lane"]) == (2.5, 2, "stable")


def test_busy_seconds_are_the_integral_of_busy_slots() -> None:
    counters = Counters()
    counters.begin_attempt(10.0)
    counters.begin_attempt(12.0)
    counters.end_attempt(13.0)

    assert counters.busy_seconds(20.0) == 2 * 1 + 1 * 2 + 7 * 1
    assert counters.busy == 1


def test_readiness_is_consuming_and_its_line_says_what_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    status = Readiness()
    with caplog.at_level(logging.INFO):
        status.waiting_for("the broker")
        status.waiting_for("the broker")
        assert (status.ready, status.text) == (False, "the broker")
        status.consuming()

    assert status.ready
    assert caplog.messages == ["waiting: the broker", "consuming"]


def test_a_log_line_is_one_json_object_whatever_is_in_it() -> None:
    entry = logging.LogRecord("merchantroute_worker.x", logging.INFO, "f", 1, "order %s\nnext", ("ü\ud83d",), None)
    entry.data = {"order": "o-1"}

    line = JsonFormatter().format(entry)

    assert "\n" not in line
    assert json.loads(line)["order"] == "o-1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"MR_TIER": ""}, "set MR_TIER"), ({"MR_PORT": "http"}, "MR_PORT='http' is not a number")],
)
def test_an_environment_that_cannot_be_used_names_the_variable(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_environment({**WHERE, **changes})


def test_the_lane_s_queue_follows_from_the_environment() -> None:
    assert from_environment(WHERE).queue == "mr.orders.pos.standard.stable"
