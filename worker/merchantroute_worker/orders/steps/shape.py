"""What a step says beyond method and path: how its request is filled in, and what its answer means and leaves.

A step without one costs nothing of this: its calls are made as they always were.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from merchantroute_worker.orders.answers import table
from merchantroute_worker.orders.steps.captures import HEADER_NAME, Capture, parse_captures
from merchantroute_worker.orders.steps.template import Text, Tree, parse_text, parse_tree, texts_of
from merchantroute_worker.orders.steps.value_rules import AnswerRule, OrderRule, parse_answer_rules, parse_order_rules
from merchantroute_worker.orders.steps.values import Variable

BODIES = ("Order", "Nothing")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
OURS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
    "accept-encoding", "idempotency-key", "mr-attempt", "traceparent", "tracestate",
})  # fmt: skip
"""Headers that no step writes: the worker does, or they would change where the request ends."""
Pairs = tuple[tuple[str, Text], ...]
Rows = tuple[tuple[str, str], ...]
"""Rows of a table of answers: answer and fate."""


class Body(NamedTuple):
    """A request's body: the `order` as its producer wrote it, a JSON document, a form, or nothing."""

    order: bool = False
    json: Tree | None = None
    form: Pairs | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The parts of a step beyond method and path. Times are seconds."""

    path: Text
    body: Body
    query: Pairs = ()
    headers: Pairs = ()
    captures: tuple[Capture, ...] = ()
    success: tuple[AnswerRule, ...] = ()
    skip_when: tuple[OrderRule, ...] = ()
    call_timeout: float | None = None
    answers: Rows = ()
    max_attempts: int | None = None
    fields: frozenset[str] = field(default=frozenset(), compare=False)
    """The merchant's fields without which there is no request."""

    @property
    def reads_answer(self) -> bool:
        """Whether anything of the answer matters beside its status."""
        return bool(self.captures or self.success)


def parse_shape(document: Mapping[str, Any]) -> Shape:
    """Parse a step's document in its longer form (`schema/step.json`); ValueError says what is wrong."""
    request = document["request"]
    path, body = parse_text(request["path"]), _body(request["method"], request.get("body"))
    query, headers = _pairs(request.get("query", {})), _headers(request.get("headers", {}))
    answers = document.get("answers", {})
    table(answers)  # its rows, or ValueError
    skip_when = parse_order_rules(document.get("skipWhen", []))
    needed = [*_variables(path, (*query, *headers), body), *(variable for variable, _ in skip_when)]
    timeout = document.get("callTimeoutMs")
    return Shape(
        path=path,
        body=body,
        query=query,
        headers=headers,
        captures=parse_captures(document.get("capture", {})),
        success=parse_answer_rules(document.get("success", [])),
        skip_when=skip_when,
        call_timeout=None if timeout is None else _positive(timeout) / 1000,
        answers=tuple(sorted(answers.items())),
        max_attempts=None if document.get("maxAttempts") is None else _positive(document["maxAttempts"]),
        fields=frozenset(each.name for each in needed if each.kind == "field" and not each.optional),
    )


def _positive(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"a whole number from 1 is wanted, not {value!r}")
    return value


def _pairs(document: Mapping[str, Any]) -> Pairs:
    return tuple((name, parse_text(text)) for name, text in document.items())


def _headers(document: Mapping[str, Any]) -> Pairs:
    for name in document:
        if not HEADER_NAME(name):
            raise ValueError(f"no header can be called {name!r}")
        if name.lower() in OURS:
            raise ValueError(f"the header {name} is the worker's own")
    return _pairs(document)


def _body(method: str, document: Mapping[str, Any] | None) -> Body:
    if document is None:
        return Body(order=method in WITH_BODY)
    if len(document) != 1:
        raise ValueError("a body is one of send, json and form")
    if "json" in document:
        return Body(json=parse_tree(document["json"]))
    if "form" in document:
        return Body(form=_pairs(document["form"]))
    if document.get("send") not in BODIES:
        raise ValueError(f"a body sends {' or '.join(BODIES)}")
    return Body(order=document["send"] == "Order")


def _variables(path: Text, pairs: Pairs, body: Body) -> Iterator[Variable]:
    """All variables of a request."""
    texts = [path, *(text for _, text in (*pairs, *(body.form or ())))]
    for text in (*texts, *(texts_of(body.json) if body.json else ())):
        yield from text.variables
