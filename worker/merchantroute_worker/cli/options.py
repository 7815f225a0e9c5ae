"""Command-line options that the commands share: route and broker, and filters."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from merchantroute_worker.cli import durations, filters
from merchantroute_worker.cli.broker import Target
from merchantroute_worker.cli.filters import Filters

Command = Callable[..., Any]


class Parsed(click.ParamType[Any]):
    """A click type made of a parsing function, whose ValueError says what to write instead."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse a string; click calls this with defaults too."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


MOMENT = Parsed("time", lambda text: durations.moment(text, now=time.time()))
REASON = Parsed("reason", filters.known_reason)
RATE = Parsed("rate", lambda text: durations.rate(text) or 0.0)


def target_options(command: Command) -> Command:
    """Add the options for route and broker; the command gets `target`."""

    @click.option("--route", envvar="MR_ROUTE", metavar="[NAMESPACE/]NAME", help="The route.  [env: MR_ROUTE]")
    @click.option("-n", "--namespace", envvar="MR_NAMESPACE", help="Its namespace.  [env: MR_NAMESPACE]")
    @click.option(
        "--broker",
        envvar="MR_BROKER",
        metavar="URL",
        help="amqp(s)://user:password@host:port/vhost; without it, the route's Secret through kubectl.  "
        "[env: MR_BROKER, which keeps the password out of the list of processes]",
    )
    @click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="The authority for TLS, a PEM file.")
    @click.option("--context", help="kubectl's context, if not the current one.")
    @click.option(
        "--port-forward/--no-port-forward",
        default=None,
        help="Reach the Secret's broker by `kubectl port-forward`; by default where its host is a Service.",
    )
    @click.option("--despite-policy", is_flag=True, help="Although a policy of the broker matches the route's queues.")
    @wraps(command)
    def with_target(
        *,
        route: str | None,
        namespace: str | None,
        broker: str | None,
        ca: str | None,
        context: str | None,
        port_forward: bool | None,
        despite_policy: bool,
        **others: Any,
    ) -> Any:
        target = Target(
            route=route,
            namespace=namespace,
            url=broker,
            ca=ca,
            context=context,
            forward=port_forward,
            despite_policy=despite_policy,
        )
        return command(target=target, **others)

    return with_target


def filter_options(command: Command) -> Command:
    """Add the filter options; the command gets `filters`."""

    @click.option("--merchant", multiple=True, metavar="ID", help="Only this merchant's; may be repeated.")
    @click.option("--reason", multiple=True, type=REASON, help="Only with this reason; may be repeated.")
    @click.option("--since", type=MOMENT, help="Published since: 2h (ago), or an ISO 8601 time.")
    @click.option("--until", type=MOMENT, help="Published before: 30m (ago), or an ISO 8601 time.")
    @wraps(command)
    def with_filters(
        *,
        merchant: tuple[str, ...],
        reason: tuple[str, ...],
        since: float | None,
        until: float | None,
        order_ids: tuple[str, ...] = (),
        **others: Any,
    ) -> Any:
        chosen = Filters(
            ids=frozenset(order_ids), merchants=frozenset(merchant), reasons=frozenset(reason), since=since, until=until
        )
        if since is not None and until is not None and since >= until:
            raise click.UsageError("--since is not before --until, so nothing can match")
        if order_ids and (merchant or reason or chosen.timed):
            raise click.UsageError("name orders, or give filters, not both")
        return command(filters=chosen, **others)

    return with_filters
