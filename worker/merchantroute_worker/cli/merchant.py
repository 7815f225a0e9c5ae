"""The commands `merchantroute merchant`: list a route's own queues; hold, isolate and release a merchant by hand."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import click
from rich.console import Console

from merchantroute_worker.cli import durations, own_queues
from merchantroute_worker.cli.addresses import Route
from merchantroute_worker.cli.addresses import route as parse_route
from merchantroute_worker.cli.by_hand import (
    GROUPS_HELD,
    HELD,
    ISOLATED,
    LONGEST,
    OF_MERCHANTS,
    asked,
    checked_group,
    checked_merchant,
    groups_held,
    released,
)
from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.cli.kubectl import ChangedMeanwhile, Kubectl
from merchantroute_worker.cli.options import Parsed
from merchantroute_worker.cli.terminal_text import printable
from merchantroute_worker.isolation.groups import host_of

TRIES = 10  # the operator writes the status of the same object, every two seconds where orders flow
WIDE = 400  # columns where output is no terminal, so that no cell is cut off


def _for(text: str) -> float:
    seconds = durations.duration(text)
    if seconds is None or not 1 <= seconds <= LONGEST:
        raise ValueError(f"{text!r}: write how long, such as 30m, 2h or 1d; from 1s to 365d")
    return seconds


FOR = Parsed("duration", _for)
Command = Callable[..., Any]


def route_options(command: Command) -> Command:
    """Add the options for the route; the command gets `kubectl` and `route`."""

    @click.option("--route", envvar="MR_ROUTE", metavar="[NAMESPACE/]NAME", help="The route.  [env: MR_ROUTE]")
    @click.option("-n", "--namespace", envvar="MR_NAMESPACE", help="Its namespace.  [env: MR_NAMESPACE]")
    @click.option("--context", help="kubectl's context, if not the current one.")
    @wraps(command)
    def with_route(*, route: str | None, namespace: str | None, context: str | None, **others: Any) -> Any:
        kubectl = Kubectl(context, otherwise="")
        plain = route is not None and "/" not in route
        where = parse_route(route, namespace or (kubectl.namespace() if plain else None))
        return command(kubectl=kubectl, route=where, **others)

    return with_route


@click.group()
def merchant() -> None:
    """Queues of their own: which merchants have one, and who gets one, or no slot, by hand."""


@merchant.command("list")
@route_options
@click.option("--json", "as_json", is_flag=True, help="One line of JSON an own queue.")
def list_own_queues(kubectl: Kubectl, route: Route, as_json: bool) -> None:
    """List the own queues of a route's merchants, and who is held or isolated by hand. Changes nothing."""
    found, now = kubectl.route(route), time.time()
    queues = own_queues.own_queues(found, now=now)
    if as_json:
        for each in queues:
            click.echo(json.dumps(each))
        return
    if queues:
        console = Console(highlight=False)
        (console if console.is_terminal else Console(highlight=False, width=WIDE)).print(
            own_queues.table(queues, now=now)
        )
        click.echo("")
    click.echo(f"{own_queues.counted(queues)} of route {route}")
    for group, until in groups_held((found.get("metadata") or {}).get("annotations") or {}, now).items():
        click.echo(f"group {printable(group)} is held until {until}")


@merchant.command("isolate")
@click.argument("merchant_id", metavar="MERCHANT")
@click.option("--for", "seconds", type=FOR, required=True, metavar="DURATION", help="How long: 30m, 2h, 1d.")
@route_options
def isolate(kubectl: Kubectl, route: Route, merchant_id: str, seconds: float) -> None:
    """Give MERCHANT a queue of its own for so long, whether it is slow or not."""
    _ask(kubectl, route, checked_merchant(merchant_id), ISOLATED, seconds, "isolated")


@merchant.command("hold")
@click.argument("merchant_id", metavar="[MERCHANT]", required=False)
@click.option("--group", metavar="NAME", help="All merchants of this group instead: of a host, or as `group` says.")
@click.option("--for", "seconds", type=FOR, required=True, metavar="DURATION", help="How long: 30m, 2h, 1d.")
@route_options
def hold(kubectl: Kubectl, route: Route, merchant_id: str | None, group: str | None, seconds: float) -> None:
    """Let no order of MERCHANT begin for so long: they wait in a queue of its own, uncounted, and none is lost.

    They still grow older: spec.orders.maxAge of the route goes on.
    """
    if _whose(merchant_id, group) is GROUPS_HELD:
        _ask(kubectl, route, checked_group(group or ""), GROUPS_HELD, seconds, "held")
    else:
        _ask(kubectl, route, checked_merchant(merchant_id or ""), HELD, seconds, "held")


@merchant.command("release")
@click.argument("merchant_id", metavar="[MERCHANT]", required=False)
@click.option("--group", metavar="NAME", help="What `hold --group` asked for this group.")
@route_options
def release(kubectl: Kubectl, route: Route, merchant_id: str | None, group: str | None) -> None:
    """End what `hold` or `isolate` asked for MERCHANT. What the operator decides by itself goes on."""
    kinds: Sequence[str] = OF_MERCHANTS
    if _whose(merchant_id, group) is GROUPS_HELD:
        kinds, name, shown, never = (GROUPS_HELD,), checked_group(group or ""), f"group {group}", "is not held"
    else:
        name = checked_merchant(merchant_id or "")
        shown, never = printable(name), "is neither held nor isolated"
    _, changed = _edit(kubectl, route, lambda annotations: released(annotations, name, time.time(), kinds))
    click.echo(f"{shown} of route {route} {'is released' if changed else f'{never} by hand: nothing to do'}")


def _whose(merchant_id: str | None, group: str | None) -> str:
    """The annotation that a hold is in."""
    if (merchant_id is None) == (group is None):
        raise click.UsageError("write either a MERCHANT or --group NAME")
    return HELD if group is None else GROUPS_HELD


def _ask(kubectl: Kubectl, route: Route, name: str, kind: str, seconds: float, word: str) -> None:
    now = time.time()
    until = now + seconds
    found, _ = _edit(kubectl, route, lambda annotations: asked(annotations, name, kind, until, now))
    option, whose = (f" --group {name}", f"group {name}") if kind == GROUPS_HELD else ("", printable(name))
    end = f"until {durations.iso(until)}; `merchantroute merchant release{option}` ends it"
    click.echo(f"{whose} of route {route} is {word} {end}")
    for doubt in _doubts(kubectl, route, found, name, kind):
        click.echo(doubt, err=True)


def _edit(
    kubectl: Kubectl, route: Route, changes: Callable[[Mapping[str, str]], dict[str, str | None]]
) -> tuple[dict[str, Any], bool]:
    """Write the annotations as ``changes`` makes them of those there; the route, and whether it was written."""
    for _ in range(TRIES):
        found = kubectl.route(route)
        metadata = found["metadata"]
        if not (wanted := changes(metadata.get("annotations") or {})):
            return found, False
        try:
            kubectl.annotate(route, metadata["resourceVersion"], wanted)
        except ChangedMeanwhile:
            continue
        return found, True
    raise Problem(f"route {route} was written by others {TRIES} times meanwhile: run the same command again")


def _doubts(kubectl: Kubectl, route: Route, found: Mapping[str, Any], name: str, kind: str) -> list[str]:
    """What may keep it from what was asked, in words."""
    spec = found["spec"]
    mode = (spec.get("isolation") or {}).get("mode", "Automatic")
    doubts = [f"but spec.isolation.mode of the route is {mode}: nothing happens until it is Automatic"] * (
        mode != "Automatic"
    )
    if kind == GROUPS_HELD:
        objects = (each["spec"] for each in kubectl.merchants(route.namespace) if _is_of(each, route))
        default = {"endpoint": spec.get("defaultEndpoint", "")}
        if any(name == _group(each) for each in (*(spec.get("merchants") or ()), *objects, default)):
            return doubts
        return [*doubts, f"but no merchant of the route is in group {name}, and none is at that host: is it spelt so?"]
    if "defaultEndpoint" in spec or any(each["id"] == name for each in spec.get("merchants") or ()):
        return doubts
    if any(_is(each, route, name) for each in kubectl.merchants(route.namespace)):
        return doubts
    return [
        *doubts,
        f"but the route lists no merchant {printable(name)}, and no Merchant of it has that id: is it spelt so?",
    ]


def _is(raw: Mapping[str, Any], route: Route, merchant_id: str) -> bool:
    """Whether a Merchant object is this merchant of the route; its name is its id unless it has another."""
    return _is_of(raw, route) and (raw["spec"].get("id") or raw["metadata"]["name"]) == merchant_id


def _is_of(raw: Mapping[str, Any], route: Route) -> bool:
    return bool(raw["spec"]["routeRef"]["name"] == route.name)


def _group(merchant: Mapping[str, Any]) -> str:
    return str(merchant.get("group") or host_of(merchant["endpoint"]))
