"""The command `merchantroute render`: every request of an order, as a pod would make it, without sending one."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from merchantroute_worker.calls.request import Request, UnusableEndpoint
from merchantroute_worker.calls.templated.templated_call import values_of
from merchantroute_worker.calls.templated.templated_request import build_templated
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.route_file import Planned, planned
from merchantroute_worker.cli.terminal_text import printable
from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.steps.captures import Capture
from merchantroute_worker.orders.steps.pointer import MISSING
from merchantroute_worker.orders.steps.shape import Shape
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.steps.value_rules import all_hold
from merchantroute_worker.orders.steps.values import RequestNotBuilt, Values
from merchantroute_worker.orders.task_body import Malformed, Undecodable

READABLE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.option("-f", "--file", "route_file", required=True, type=READABLE, help="The route, as for kubectl apply.")
@click.option("--merchant", required=True, help="The merchant's id.")
@click.option("--order", "order_file", required=True, type=READABLE, help="The order, a JSON file.")
@click.option("--order-id", help="The order's id; without it, the order's own id.")
@click.option("--capture", "given", multiple=True, metavar="NAME=VALUE", help="What a merchant would have answered.")
def render(route_file: Path, merchant: str, order_file: Path, order_id: str | None, given: tuple[str, ...]) -> None:
    """Show every request that an order would make, without sending one.

    The file holds a MerchantRoute, and Merchants if any. Captured values are those given, their defaults, or
    captured-NAME: no merchant is asked.
    """
    plan = planned(_documents(route_file), merchant)
    order = _order(_read(order_file), merchant, order_id)
    captured = dict(_capture(text) for text in given)
    for line in _lines(plan, order, captured):
        click.echo(printable(line))


def _read(path: Path) -> bytes:
    with click.open_file(str(path), "rb") as opened:
        data: bytes = opened.read()
    return data


def _documents(path: Path) -> list[Any]:
    import yaml

    try:
        return list(yaml.safe_load_all(_read(path)))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{path} is no YAML: {' '.join(str(error).split())}") from None


def _order(raw: bytes, merchant: str, order_id: str | None) -> Order:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise Problem("the order is no JSON: give a file with the order as it is published") from None
    own = document.get("id") if isinstance(document, dict) else None
    name = order_id or (str(own) if isinstance(own, str | int) else "order-1")
    try:
        body = b'[[], {"order": ' + raw + b"}, {}]"
        return envelope.read(body=body, headers={}, correlation_id=name, routing_key=merchant)
    except (Malformed, Undecodable) as error:
        raise Problem(f"no pod would take this order: {error}") from None


def _capture(text: str) -> tuple[str, Any]:
    name, is_one, value = text.partition("=")
    if not is_one:
        raise Problem(f"--capture {text}: write NAME=VALUE, such as posId=17")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _lines(plan: Planned, order: Order, given: Mapping[str, Any]) -> Iterator[str]:
    captured: dict[str, Any] = {}
    values = values_of(order, plan.merchant, captured)
    if plan.note:
        yield f"# {plan.note}"
    for step, shape in plan.steps:
        try:
            skipped = all_hold(shape.skip_when, values)
            yield f"# {step.name}" + (": skipped, since skipWhen holds for this order" if skipped else "")
            if not skipped:
                yield from _shown(_request(step, shape, order, plan, values))
            if step.verify and step.verify.shape and not skipped:
                yield f"# {step.verify.name}, where nobody knows whether {step.name} was done"
                yield from _shown(_request(step.verify, step.verify.shape, order, plan, values))
        except RequestNotBuilt as error:
            raise Problem(f"step {step.name} has no request of this order: {error}") from None
        except UnusableEndpoint as error:
            raise Problem(f"the merchant cannot be called: {error}") from None
        for capture in shape.captures:
            captured[capture.name] = _value(capture, given, skipped=skipped)
            if captured[capture.name] is MISSING:
                del captured[capture.name]
            else:
                yield f"# {capture.name} is {json.dumps(captured[capture.name], ensure_ascii=False)} from here on"
        yield ""


def _value(capture: Capture, given: Mapping[str, Any], *, skipped: bool) -> Any:
    if skipped:
        return capture.default
    if capture.name in given:
        return given[capture.name]
    return f"captured-{capture.name}" if capture.default is MISSING else capture.default


def _request(step: Step, shape: Shape, order: Order, plan: Planned, values: Values) -> Request:
    return build_templated(step, shape, order, plan.merchant, values, attempt=1, insecure_hosts=plan.insecure_hosts)


def _shown(request: Request) -> Iterator[str]:
    first, *fields = request.head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    host = next(field.removeprefix("Host: ") for field in fields if field.startswith("Host: "))
    yield f"{method} {request.origin.scheme}://{host}{target}"
    yield from (field for field in fields if not field.startswith("Host: "))
    if request.body:
        yield ""
        yield _pretty(request.body)


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode(errors="replace")
