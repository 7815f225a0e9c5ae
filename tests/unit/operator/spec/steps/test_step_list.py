"""Steps as the operator reads them, and writes them for workers: what one refuses the other does too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_operator.resources.configuration.config_files import merchant_entries, route_file
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.merge import unfit_entries
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.steps.step_list import LARGEST_CAPTURE, WORKERS_OWN, parse_steps
from merchantroute_operator.spec.steps.templates import judge_text
from merchantroute_worker.orders.steps.captures import LARGEST_CAPTURE as WORKERS_LARGEST_CAPTURE
from merchantroute_worker.orders.steps.shape import OURS
from merchantroute_worker.orders.steps.step import parse_step
from merchantroute_worker.orders.steps.template import parse_text
from tests.unit.operator.resources.test_configuration import check
from tests.unit.operator.route_samples import CLUSTER, raw_route
from tests.unit.worker.fuzz import FUZZ

PLAIN = {"name": "submit", "method": "POST", "path": "/orders/{order_id}/of/{merchant}", "verify": {"path": "/o"}}
CREATE: dict[str, Any] = {
    "name": "create",
    "method": "PATCH",
    "path": "/orders/{order_id}",
    "query": {"store": "{fields.storeId}", "lang": "{fields.lang?}"},
    "headers": {"X-Of": "{/customer/id?}"},
    "body": {"json": {"items": "{/lines}", "braces": "{{}}"}},
    "verify": {"path": "/orders/{order_id}", "capture": {"posId": {"json": "/id", "required": True}}},
    "capture": {"posId": {"json": "/id"}, "etag": {"header": "ETag", "required": False}},
    "success": [{"json": "/status", "in": ["ok", 1]}],
    "skipWhen": [{"value": "{/type}", "notIn": ["delivery"]}],
    "callTimeout": "500ms",
    "answers": [{"answer": "409", "then": "Done"}, {"answer": "unsuccessful", "then": "Dead"}],
    "maxAttempts": 2,
}
POLL = {"name": "poll", "method": "GET", "path": "/orders/{posId}", "headers": {"If-Match": "{etag?}"}}


def with_steps(steps: Any, *, workflows: Any = (), merchants: Any = ()) -> Route:
    raw = raw_route()
    raw["spec"]["orders"] |= {"steps": steps, **({"workflows": workflows} if workflows else {})}
    raw["spec"]["merchants"] = list(merchants)
    return parse(raw)


def written(route: Route) -> dict[str, Any]:
    return check("config-route", route_file(route, CLUSTER, {}))


def test_what_the_operator_writes_is_as_the_schema_says_and_a_worker_reads_it() -> None:
    document = written(with_steps([CREATE, POLL, PLAIN]))
    created, polled, plain = [parse_step(step) for step in document["steps"]]

    assert document["steps"][0] == {
        "name": "create",
        "request": {key: CREATE[key] for key in ("method", "path", "query", "headers", "body")},
        "verify": {"method": "GET", **CREATE["verify"]},
        **{key: CREATE[key] for key in ("capture", "success", "skipWhen", "maxAttempts")},
        "callTimeoutMs": 500,
        "answers": {"409": "Done", "unsuccessful": "Dead"},
    }
    assert created.shape is not None
    assert created.shape.call_timeout == 0.5
    assert created.shape.fields == {"storeId"}
    assert polled.shape is not None
    assert (plain.shape, document["steps"][2]["path"]) == (None, PLAIN["path"])


def test_a_route_with_workflows_has_steps_that_older_workers_refuse_instead_of_using_them_for_all() -> None:
    merchants = [
        {"id": "hut", "tier": "standard", "endpoint": "https://a", "workflow": "square", "fields": {"storeId": 7}}
    ]
    route = with_steps([PLAIN], workflows=[{"name": "square", "steps": [CREATE, POLL]}], merchants=merchants)
    document = written(route)

    assert "method" not in document["steps"][0]
    assert [step["name"] for step in document["workflows"]["square"]] == ["create", "poll"]
    entries = merchant_entries(route)
    check("config-merchants", json.dumps({"v": 1, "merchants": entries}))
    assert entries["hut"] == {
        "tier": "standard", "endpoint": "https://a", "workflow": "square", "fields": {"storeId": 7},
    }  # fmt: skip


def test_a_route_without_templates_is_written_as_it_always_was() -> None:
    document = written(with_steps([PLAIN]))

    assert document["steps"] == [{**PLAIN, "verify": {"method": "GET", "path": "/o"}}]
    assert "workflows" not in document


def changed(step: Mapping[str, Any], **changes: Any) -> Any:
    return {**step, **changes}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([POLL], "spec.orders.steps[poll].path: there is no variable {posId}; write"),
        ([POLL], "or what a step before it captures (nothing so far)"),
        ([changed(CREATE, path="/{etag}")], "steps[create].path: there is no variable {etag}"),
        ([CREATE, changed(POLL, query={"a": "{posID}"})], "steps[poll].query.a: there is no variable {posID}"),
        ([CREATE, changed(POLL, query={"a": "{posID}"})], "captures ({etag}, {posId})"),
        ([CREATE, changed(POLL, headers={"A": "{/~2}"})], 'steps[poll].headers.A: "/~2" is no JSON pointer'),
        ([changed(CREATE, path="/{/id?}")], "may be left out, and a path has no such part"),
        ([changed(CREATE, body={"form": {"a": "{b c}"}})], "steps[create].body.form.a: there is no variable {b c}"),
        ([changed(CREATE, body={"json": [{"a": "{posId}"}]})], "steps[create].body.json: there is no variable {posId}"),
        ([changed(CREATE, body={"json": "x" * 9000})], "body.json: it is larger than 8192 bytes"),
        ([changed(CREATE, headers={"content-length": "1"})], "the worker writes content-length itself; remove it"),
        ([changed(CREATE, headers={"a b": "1"})], 'no header can be called "a b"'),
        ([changed(CREATE, verify={"path": "/{x}"})], "steps[create].verify.path: there is no variable {x}"),
        ([changed(CREATE, skipWhen=[{"value": "{x}", "in": [1]}])], "skipWhen[0].value: there is no variable {x}"),
        ([changed(CREATE, capture={"a": {"json": "/~"}})], 'capture.a.json: "/~" is no JSON pointer'),
        (
            [changed(CREATE, capture={"a": {"json": "", "default": "x" * 2000}})],
            "default: it is larger than 1024 bytes",
        ),
        ([changed(CREATE, success=[{"json": "a", "in": [1]}])], 'success[0].json: "a" is no JSON pointer'),
    ],
)
def test_what_no_worker_could_call_is_refused_with_the_field_and_the_remedy(steps: Any, said: str) -> None:
    with pytest.raises(SpecInvalid) as told:
        with_steps(steps)

    assert said in str(told.value)


def test_an_order_carries_only_so_many_captured_values() -> None:
    many = [changed(PLAIN, name=f"s{n}", capture={f"c{n}x{m}": {"json": "/a"} for m in range(8)}) for n in range(5)]
    with pytest.raises(SpecInvalid, match="its steps capture 40 values; write at most 32"):
        with_steps(many)


def test_a_merchant_whose_workflow_is_not_there_is_refused() -> None:
    merchant = {"id": "hut", "tier": "standard", "endpoint": "https://a", "workflow": "toast"}
    with pytest.raises(SpecInvalid, match=r"merchants\[hut\]\.workflow: there is no workflow toast; write square"):
        with_steps([PLAIN], workflows=[{"name": "square", "steps": [PLAIN]}], merchants=[merchant])
    with pytest.raises(SpecInvalid, match=r"write a list of steps in spec\.orders\.workflows first"):
        with_steps([PLAIN], merchants=[merchant])


def test_a_merchant_without_the_fields_that_its_steps_need_is_told() -> None:
    merchants = [
        {"id": "hut", "tier": "standard", "endpoint": "https://a"},
        {"id": "bar", "tier": "standard", "endpoint": "https://a", "fields": {"storeId": "s1"}},
    ]

    assert unfit_entries(with_steps([CREATE], merchants=merchants)) == {
        "merchant hut": "its steps need storeId; write it in its fields"
    }


PIECES = st.sampled_from([
    "{", "}", "{{", "}}", "{order_id}", "{merchant}", "{order}", "{posId}", "{/a/b}", "{/a~1b?}", "{/~}", "{fields.x}",
    "{fields.}", "{fields.x.y}", "{?}", "{}", "a", "/", "~", " ", "{a b}", "é", "{1}", "{posId?}",
])  # fmt: skip


@FUZZ
@given(st.lists(PIECES, max_size=6).map("".join))
def test_operator_and_worker_refuse_the_same_texts(text: str) -> None:
    try:
        judge_text(text, {"posId", "a"}, "here")
    except SpecInvalid:
        with pytest.raises(ValueError):  # noqa: PT011 - its text is the worker's own
            parse_text(text)
        return
    parse_text(text)


@FUZZ
@given(st.lists(PIECES, max_size=4).map("".join), st.sampled_from(["path", "query", "headers", "form", "json"]))
def test_what_the_operator_takes_a_worker_reads(text: str, where: str) -> None:
    places: dict[str, Any] = {
        "path": {"path": f"/{text}"}, "query": {"query": {"q": text}}, "headers": {"headers": {"X": text}},
        "form": {"body": {"form": {"f": text}}}, "json": {"body": {"json": [text]}},
    }  # fmt: skip
    try:
        steps = parse_steps(
            [{"name": "a", "method": "POST", "path": "/", "capture": {"posId": {"json": ""}}, **places[where]}], "x"
        )
    except SpecInvalid:
        return
    for step in steps:
        assert step.document is not None
        parse_step(step.document)


def test_operator_and_workers_refuse_the_same_headers_and_captures() -> None:
    assert WORKERS_OWN == OURS
    assert LARGEST_CAPTURE == WORKERS_LARGEST_CAPTURE
