"""Steps as the route's file and journals write them: parsed, refused, written again, held to the schemas."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import merchantroute_worker
from merchantroute_worker.orders import decisions
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt, MerchantHealth
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.outcome import Done, ToDead, ToLadder
from merchantroute_worker.orders.route import ConfigurationError, Route, parse
from merchantroute_worker.orders.steps.step import parse_step
from tests.unit.worker.samples import INDEX, ROUTE, order, route

SCHEMAS = Path(merchantroute_worker.__file__).parent / "schema"
CREATE: dict[str, Any] = {
    "name": "create",
    "request": {
        "method": "PATCH",
        "path": "/orders/{order_id}",
        "query": {"store": "{fields.storeId}"},
        "headers": {"X-Of": "{/customer/id?}"},
        "body": {"json": {"items": "{/lines}"}},
    },
    "verify": {"method": "GET", "path": "/orders/{order_id}"},
    "capture": {"posId": {"json": "/id"}, "etag": {"header": "ETag", "required": False, "default": None}},
    "success": [{"json": "/status", "in": ["ok", 1, None]}],
    "skipWhen": [{"value": "{/type}", "notIn": ["delivery"]}],
    "callTimeoutMs": 500,
    "answers": {"409": "Done", "unsuccessful": "Dead"},
    "maxAttempts": 2,
}
POLL = {"name": "poll", "request": {"method": "GET", "path": "/orders/{posId}"}, "maxAttempts": 5}
LAST = {"name": "last", "request": {"method": "POST", "path": "/done", "body": {"form": {"id": "{posId}"}}}}
STEPS = [CREATE, POLL, LAST]


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def test_a_route_with_templates_is_as_its_schema_says_and_its_steps_are_written_as_they_were_read() -> None:
    workflows = {"square": [{**LAST, "request": {"method": "POST", "path": "/{order_id}"}}]}
    jsonschema.validate({**ROUTE, "steps": STEPS, "workflows": workflows}, schema("config-route"))
    given = route(steps=STEPS, workflows=workflows)

    assert [step.as_json() for step in given.steps] == STEPS
    assert given.step_names == {"create", "create.verify", "poll", "last"}


def test_both_schemas_have_the_same_steps() -> None:
    parts = ("step", "plainStep", "templatedStep", "capture")

    assert {key: schema("envelope")["$defs"][key] for key in parts} == schema("config-route")["$defs"]


def test_a_journal_with_templates_is_of_a_version_that_older_workers_leave_alone() -> None:
    given = route(steps=STEPS)
    first = order(journal={"v": 2, "steps": STEPS, "done": [], "attempts": 0, "refusals": 0})
    failed = Attempt(done=("create",), step=given.steps[1], answer=Answer(404), captured={"posId": 7})
    decision = decisions.after_attempt(first, failed, again(given), health=MerchantHealth(), draw=0.5, now=1.0)
    assert isinstance(decision, ToLadder)
    journal = json.loads(decision.order.encode(given.steps))[2]["merchantroute"]

    jsonschema.validate(journal, {"$ref": "#/$defs/journal", "$defs": schema("envelope")["$defs"]})
    assert (journal["v"], journal["captured"], journal["ownAttempts"]) == (2, {"posId": 7}, {"poll": 1})
    assert order(journal=journal).journal == decision.order.journal


def test_a_journal_without_templates_is_what_it_always_was() -> None:
    journal = order().journal.as_json(route().steps)

    assert journal["v"] == 1
    assert journal.keys() == {"v", "steps", "done", "attempts", "refusals"}


@pytest.mark.parametrize(
    "change",
    [
        {"request": {"method": "POST", "path": "orders"}},
        {"request": {"method": "QUERY", "path": "/"}},
        {"request": {"method": "GET", "path": "/{a b}"}},
        {"request": {"method": "GET", "path": "/", "headers": {"Content-Length": "1"}}},
        {"request": {"method": "GET", "path": "/", "headers": {"idempotency-key": "1"}}},
        {"request": {"method": "GET", "path": "/", "headers": {"a b": "1"}}},
        {"request": {"method": "GET", "path": "/", "query": {"a": 1}}},
        {"request": {"method": "POST", "path": "/", "body": {"json": 1, "form": {}}}},
        {"request": {"method": "POST", "path": "/", "body": {"send": "Everything"}}},
        {"capture": {"posId": {"json": "id"}}},
        {"success": [{"json": "/a"}]},
        {"skipWhen": [{"value": "a", "in": [1]}]},
        {"answers": {"unsuccessful": "Done"}},
        {"answers": {"299": "Done"}},
        {"callTimeoutMs": 0},
        {"maxAttempts": True},
    ],
)
def test_a_step_that_cannot_be_made_spoils_the_configuration_and_not_an_order(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_step({**CREATE, **change})
    with pytest.raises(ConfigurationError):
        route(steps=[{**CREATE, **change}])


def again(given: Route) -> Route:
    """The route with 404 as an answer that is tried again."""
    document = {**ROUTE, "steps": [step.as_json() for step in given.steps], "answers": {"404": "Retry"}}
    return parse(index=INDEX, route=document, merchants=[], credentials=[])


def ended(given: Order, result: Attempt, how: Route) -> Done[Order] | ToLadder[Order] | ToDead[Order]:
    return decisions.after_attempt(given, result, how, health=MerchantHealth(), draw=0.5, now=1.0)


def test_attempts_at_a_step_with_a_limit_of_its_own_do_not_count_for_the_others() -> None:
    how = again(route(steps=STEPS))
    given, polls = order(), 0
    while True:
        decision = ended(given, Attempt(done=("create",), step=how.steps[1], answer=Answer(404)), how)
        polls += 1
        if isinstance(decision, ToDead):
            break
        assert isinstance(decision, ToLadder)
        given = decision.order
    assert (polls, decision.why.reason, decision.why.step) == (5, "attempts-exhausted", "poll")
    assert given.journal.attempts == 4
    # The fourth poll succeeded: the step after it has all of the route's three attempts.
    reasons = []
    for _ in range(3):
        decision = ended(given, Attempt(done=("create", "poll"), step=how.steps[2], answer=Answer(503)), how)
        reasons.append(decision.why.reason if isinstance(decision, ToDead) else "again")
        given = decision.order
    assert reasons == ["again", "again", "attempts-exhausted"]


def test_what_a_merchant_refuses_does_not_count_for_a_step_either() -> None:
    how = again(route(steps=STEPS))
    decision = ended(order(), Attempt(done=("create",), step=how.steps[1], answer=Answer(429)), how)

    assert isinstance(decision, ToLadder)
    assert decision.order.journal.own_attempts == {}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [({}, "ToLadder"), ({"unsuccessful": "Dead"}, "merchant-rejected"), ({"uncaptured": "Dead"}, "ToLadder")],
)
def test_an_unsuccessful_answer_has_the_fate_that_its_step_says(rows: dict[str, str], expected: str) -> None:
    how = route(steps=[{**POLL, "answers": rows}])
    answer = Answer(200, fault="unsuccessful", cause="/status of the answer is not what success wants")
    decision = ended(order(), Attempt(done=(), step=how.steps[0], answer=answer), how)

    assert (decision.why.reason if isinstance(decision, ToDead) else type(decision).__name__) == expected
    assert decision.order.journal.answer == "unsuccessful"


def test_an_order_without_such_a_request_is_dead_with_the_reason_in_words() -> None:
    how = route(steps=STEPS)
    problem = "the body needs /lines of the order, which is missing"
    result = Attempt(done=("create",), step=how.steps[1], problem=problem, captured={"posId": 1})
    decision = ended(order(), result, how)

    assert isinstance(decision, ToDead)
    assert (decision.why.reason, decision.why.step, decision.why.answer_text) == ("request-not-built", "poll", problem)
    assert decision.order.journal.captured == {"posId": 1}


MERCHANTS = {
    "v": 1,
    "merchants": {
        "plain": {"tier": "standard", "endpoint": "https://a"},
        "toast": {
            "tier": "standard",
            "endpoint": "https://b",
            "workflow": "toast",
            "fields": {"store": "s1", "n": 4},
        },
        "lost": {"tier": "standard", "endpoint": "https://c", "workflow": "square"},
        "odd": {"tier": "standard", "endpoint": "https://d", "fields": []},
    },
}


def test_merchants_have_a_workflow_and_fields_of_their_own() -> None:
    jsonschema.validate({"v": 1, "merchants": {"toast": MERCHANTS["merchants"]["toast"]}}, schema("config-merchants"))  # type: ignore[index]
    document = {**ROUTE, "steps": [LAST], "workflows": {"toast": STEPS}}
    how = parse(index=INDEX, route=document, merchants=[MERCHANTS], credentials=[])
    toast = how.merchant("toast")
    assert toast is not None
    assert (toast.steps, dict(toast.fields)) == (how.workflows["toast"], {"store": "s1", "n": 4})
    assert [step.name for step in how.steps_of("plain")] == ["last"]
    assert [step.name for step in how.steps_of("toast")] == ["create", "poll", "last"]


def test_a_merchant_whose_workflow_this_pod_does_not_know_waits_and_gets_no_other_steps() -> None:
    document = {**ROUTE, "steps": [LAST], "workflows": {"toast": STEPS}}
    how = parse(index=INDEX, route=document, merchants=[MERCHANTS], credentials=[])
    for merchant in ("lost", "odd"):
        found = how.merchant(merchant)
        assert found is not None
        assert found.lock_reason == "configuration"
    for merchant in ("lost", "odd", "nobody-knows-it"):
        assert how.steps_of(merchant) == ()
    journal = order(merchant="lost").journal.as_json(how.steps_of("lost"))
    assert order(journal=journal).journal.steps is None
