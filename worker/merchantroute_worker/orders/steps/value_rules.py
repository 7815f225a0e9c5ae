"""Rules about values: when a step's answer is a success, and when a step is skipped. A list of them holds if all do."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from merchantroute_worker.orders.steps.captures import AnswerValues, Source, Uncaptured, parse_source
from merchantroute_worker.orders.steps.pointer import MISSING
from merchantroute_worker.orders.steps.template import parse_text
from merchantroute_worker.orders.steps.values import Values, Variable


class Condition(NamedTuple):
    """What a value must be. `within` and `without` are the values of which it must equal one and none, `exists` whether
    it must be there and not null; None where that does not matter.
    """

    within: tuple[Any, ...] | None = None
    without: tuple[Any, ...] | None = None
    exists: bool | None = None

    def holds(self, value: Any) -> bool:
        """Whether a value is what it must be. One that is missing equals nothing."""
        there = value is not MISSING and value is not None
        if self.exists is not None and self.exists is not there:
            return False
        if self.within is not None and not any(_equal(value, each) for each in self.within):
            return False
        return self.without is None or not any(_equal(value, each) for each in self.without)


AnswerRule = tuple[Source, Condition]
OrderRule = tuple[Variable, Condition]


def _equal(value: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return value is not MISSING and isinstance(value, bool) is isinstance(other, bool) and bool(value == other)


def parse_answer_rules(documents: Sequence[Mapping[str, Any]]) -> tuple[AnswerRule, ...]:
    """Parse a step's `success`; ValueError says what is wrong."""
    return tuple((parse_source(each), _condition(each)) for each in documents)


def parse_order_rules(documents: Sequence[Mapping[str, Any]]) -> tuple[OrderRule, ...]:
    """Parse a step's `skipWhen`; ValueError says what is wrong."""
    return tuple((_only_variable(each["value"]), _condition(each)) for each in documents)


def _only_variable(source: Any) -> Variable:
    text = parse_text(source)
    first = text.parts[0] if len(text.parts) == 1 else None
    if isinstance(first, Variable):
        return first
    raise ValueError(f"skipWhen looks at one variable, such as {{/type}}, not at {source!r}")


def _condition(document: Mapping[str, Any]) -> Condition:
    exists = document.get("exists")
    if exists is not None and not isinstance(exists, bool):
        raise ValueError("exists is true or false")
    condition = Condition(_list(document.get("in")), _list(document.get("notIn")), exists)
    if condition == Condition():
        raise ValueError("a rule needs in, notIn or exists")
    return condition


def _list(value: Any) -> tuple[Any, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise ValueError("in and notIn are lists of at least one value")
    return tuple(value)


def broken_rule(rules: tuple[AnswerRule, ...], answer: AnswerValues) -> str | None:
    """Which rule an answer breaks, in words that tell nothing of the answer; None if it breaks none."""
    for source, condition in rules:
        try:
            value = answer.find(source)
        except Uncaptured as error:
            return str(error)
        if not condition.holds(value):
            return f"{source.name} of the answer is not what success wants"
    return None


def all_hold(rules: tuple[OrderRule, ...], values: Values) -> bool:
    """Whether there are rules and all of them hold."""
    return bool(rules) and all(condition.holds(values.find(variable)) for variable, condition in rules)
