import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.contract.crd import (
    cases_egress,
    cases_isolation,
    cases_merchants,
    cases_names,
    cases_orders,
    cases_pods,
    cases_steps,
    cases_tiers,
)
from tests.contract.crd.cases import Refused
from tests.contract.crd.conftest import Answer, Ask
from tests.contract.crd.routes import Json

AREAS = (
    cases_names,
    cases_orders,
    cases_steps,
    cases_merchants,
    cases_tiers,
    cases_pods,
    cases_isolation,
    cases_egress,
)
REFUSED: list[Refused] = [case for area in AREAS for case in area.REFUSED]
ACCEPTED: list[Mapping[str, Any]] = [case for area in AREAS for case in area.ACCEPTED]
A_FIX = re.compile(r"\b(write|begin|remove|raise|lower|add)\b")


@pytest.fixture(scope="module")
def refusal(changed: Ask) -> Callable[[Refused], Answer]:
    """What the API server says to a case, which is sent once."""
    answers: dict[int, Answer] = {}

    def of(case: Refused) -> Answer:
        if id(case) not in answers:
            answers[id(case)] = changed(case.changes)
        return answers[id(case)]

    return of


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_the_api_server_names_the_field_and_the_fix(refusal: Callable[[Refused], Answer], case: Refused) -> None:
    answer = refusal(case)
    assert answer.says(case.field, *case.words), answer


@pytest.mark.parametrize("changes", ACCEPTED, ids=lambda changes: str(dict(changes))[:60])
def test_what_may_be_written_is_accepted_and_kept(changed: Ask, changes: Mapping[str, Any]) -> None:
    answer = changed(changes)
    assert answer.stored, answer
    for path, value in changes.items():
        assert at(answer.stored, path) == value


def at(document: Any, path: str) -> Any:
    """What stands at a path as ``routes.put`` takes it."""
    for key in path.split("."):
        document = document[int(key) if key.isdigit() else key]
    return document


def rules(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every CEL rule of the schema with the path at which the API server reports it."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield (path + rule.get("fieldPath", "")).lstrip("."), rule
    for name, child in schema.get("properties", {}).items():
        yield from rules(child, f"{path}.{name}")
    for below in ("items", "additionalProperties"):
        if below in schema:
            yield from rules(schema[below], f"{path}[]")


def answer_of(rule: Json) -> re.Pattern[str]:
    """What the API server says when the rule fails, as a pattern."""
    literal = re.search(r'"([^"]*)"', rule.get("messageExpression", ""))
    text = literal.group(1) if literal else rule["message"]
    return re.compile(".*".join(re.escape(part.replace("%%", "%")) for part in text.split("%s")))


def test_every_rule_says_what_to_write_instead(schema: Json) -> None:
    silent = [(path, rule["message"]) for path, rule in rules(schema) if not A_FIX.search(rule["message"])]
    assert not silent


def test_every_rule_is_refused_by_some_case_above(schema: Json, refusal: Callable[[Refused], Answer]) -> None:
    causes = [cause for case in REFUSED for cause in refusal(case).causes]
    heard = {(re.sub(r"\[[^]]*\]", "[]", field), text) for field, text in causes}
    # A workflow's steps are the very same schema as the route's own, by a YAML anchor.
    unheard = [
        (path, rule["rule"])
        for path, rule in rules(schema)
        if not path.startswith("spec.orders.workflows[].steps")
        if not any(path == field and answer_of(rule).search(text) for field, text in heard)
    ]
    assert not unheard
