"""Parses a list of steps: the route's own, or a workflow's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Raw, Step, Verify
from merchantroute_operator.spec.steps.templates import is_pointer, judge_document, judge_text

LARGEST_BODY = 8 * 1024  # bytes of a template: an order on the ladder carries the steps that it began with
LARGEST_CAPTURE = 1024  # bytes
MOST_CAPTURES = 32  # of one list: an order carries what they hold
WORKERS_OWN = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
    "accept-encoding", "idempotency-key", "mr-attempt", "traceparent", "tracestate",
})  # fmt: skip
_REQUEST = ("query", "headers", "body")
_MORE = (*_REQUEST, "capture", "success", "skipWhen", "callTimeout", "answers", "maxAttempts")
_PLAIN = ("{order_id}", "{merchant}")


def parse_steps(raw: Sequence[Raw], where: str, *, longer: bool = False) -> tuple[Step, ...]:
    """The steps of a list; ``longer`` writes all of them in the longer form, which older workers refuse.

    Raises:
        SpecInvalid: the field, the value and the remedy.
    """
    known: set[str] = set()
    steps = []
    for each in raw:
        steps.append(_step(each, known, f"{where}[{each['name']}]", longer=longer))
        known |= each.get("capture", {}).keys()
    if len(known) > MOST_CAPTURES:
        raise SpecInvalid(f"{where}: its steps capture {len(known)} values; write at most {MOST_CAPTURES}")
    return tuple(steps)


def _step(raw: Raw, known: set[str], where: str, *, longer: bool) -> Step:
    asks = raw.get("verify")
    verify = Verify(asks.get("method", "GET"), asks["path"]) if asks else None
    if not longer and _is_plain(raw) and (not asks or _is_plain(asks)):
        return Step(raw["name"], raw["method"], raw["path"], verify)
    fields = _judge_request(raw, known, where)
    captures = raw.get("capture", {})
    _judge_captures(captures, f"{where}.capture")
    for number, rule in enumerate(raw.get("success", ())):
        _judge_pointer(rule, f"{where}.success[{number}]")
    for number, rule in enumerate(raw.get("skipWhen", ())):
        fields |= judge_text(rule["value"], known, f"{where}.skipWhen[{number}].value")
    document = {
        "name": raw["name"],
        "request": {"method": raw["method"], "path": raw["path"], **{key: raw[key] for key in _REQUEST if key in raw}},
        **{key: raw[key] for key in ("capture", "success", "skipWhen", "maxAttempts") if key in raw},
    }
    if asks:
        fields |= judge_text(asks["path"], known, f"{where}.verify.path", optional=False)
        _judge_captures(asks.get("capture", {}), f"{where}.verify.capture")
        document["verify"] = {"method": "GET", **asks}
    if "callTimeout" in raw:
        document["callTimeoutMs"] = max(1, round(seconds(raw["callTimeout"], f"{where}.callTimeout") * 1000))
    if "answers" in raw:
        document["answers"] = {row["answer"]: row["then"] for row in raw["answers"]}
    return Step(raw["name"], raw["method"], raw["path"], verify, document, fields)


def _is_plain(call: Raw) -> bool:
    """Whether a call says nothing but what every worker knows: a method, and a path with two variables."""
    path = call["path"]
    if any(key in call for key in _MORE):
        return False
    for variable in _PLAIN:
        path = path.replace(variable, "")
    return "{" not in path and "}" not in path


def _judge_request(raw: Raw, known: set[str], where: str) -> frozenset[str]:
    fields = judge_text(raw["path"], known, f"{where}.path", optional=False)
    for name in raw.get("headers", {}):
        if name.lower() in WORKERS_OWN:
            raise SpecInvalid(f"{where}.headers: the worker writes {name} itself; remove it")
        if not name.isascii() or not all(char.isalnum() or char in "!#$%&'*+-.^_`|~" for char in name):
            raise SpecInvalid(f'{where}.headers: no header can be called "{name}"; write a name such as X-Store')
    body = raw.get("body", {})
    for part, texts in ((part, raw.get(part, {})) for part in ("query", "headers")):
        fields |= _judge_texts(texts, known, f"{where}.{part}")
    fields |= _judge_texts(body.get("form", {}), known, f"{where}.body.form")
    if "json" in body:
        if len(json.dumps(body["json"])) > LARGEST_BODY:
            raise SpecInvalid(f"{where}.body.json: it is larger than {LARGEST_BODY} bytes; write a smaller template")
        fields |= judge_document(body["json"], known, f"{where}.body.json")
    return fields


def _judge_texts(texts: Mapping[str, str], known: set[str], where: str) -> frozenset[str]:
    return frozenset().union(*(judge_text(text, known, f"{where}.{name}") for name, text in texts.items()))


def _judge_captures(captures: Mapping[str, Any], where: str) -> None:
    for name, each in captures.items():
        _judge_pointer(each, f"{where}.{name}")
        if len(json.dumps(each.get("default"))) > LARGEST_CAPTURE:
            raise SpecInvalid(f"{where}.{name}.default: it is larger than {LARGEST_CAPTURE} bytes; write a smaller one")


def _judge_pointer(place: Mapping[str, Any], where: str) -> None:
    if not is_pointer(place.get("json", "")):
        raise SpecInvalid(f'{where}.json: "{place["json"]}" is no JSON pointer; write one such as /data/order/id')


def missing_fields(steps: Iterable[Step], fields: Iterable[str]) -> list[str]:
    """The fields of a merchant that these steps need and that it does not have."""
    return sorted(frozenset().union(*(step.fields for step in steps)) - set(fields))
