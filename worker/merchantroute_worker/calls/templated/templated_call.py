"""One order's values during an attempt: what its requests are filled in with, and what its answers leave."""

from collections.abc import Mapping
from typing import Any

from merchantroute_worker.calls.request import UnusableEndpoint
from merchantroute_worker.orders.answers import Answer, Meaning, Table, as_cause
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.captures import AnswerContent, AnswerValues, Uncaptured, capture_all
from merchantroute_worker.orders.steps.shape import Shape
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.steps.value_rules import broken_rule
from merchantroute_worker.orders.steps.values import Values


def values_of(order: Order, merchant: Merchant, captured: Mapping[str, Any]) -> Values:
    """The values of an order; `captured` is looked at as it is when a variable is filled in."""
    return Values(
        order_id=order.id,
        merchant=merchant.id,
        payload=order.payload,
        fields=merchant.fields,
        captured=captured,
    )


def check_fields(steps: tuple[Step, ...], done: list[str], merchant: Merchant) -> None:
    """UnusableEndpoint where the merchant lacks a field that a step needs: before the first call, so that none is made
    in vain.
    """
    for step in steps:
        for shape in (step.shape, step.verify.shape if step.verify else None):
            missing = shape.fields - merchant.fields.keys() if shape and step.name not in done else None
            if missing:
                raise UnusableEndpoint(
                    f"the step {step.name} needs the field {min(missing)} of its merchant: write it in its fields"
                )


def judge(shape: Shape, answer: Answer, content: AnswerContent | None, table: Table) -> tuple[Answer, dict[str, Any]]:
    """The answer, with a fault if its content makes it no success, and what is captured of it."""
    if not shape.reads_answer or table.meaning(answer) is not Meaning.SUCCESS:
        return answer, {}
    read = AnswerValues(content)
    if answer.succeeded and (broken := broken_rule(shape.success, read)):
        return answer._replace(fault="unsuccessful", cause=as_cause(broken)), {}
    try:
        return answer, capture_all(shape.captures, read)
    except Uncaptured as error:
        return answer._replace(fault="uncaptured", cause=as_cause(str(error))), {}
