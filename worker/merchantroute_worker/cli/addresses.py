"""The names of a route, and the broker's address from a URL or a Secret, with errors for a terminal. Pure."""

import re
from dataclasses import dataclass

from merchantroute_worker.cli.errors import Problem
from merchantroute_worker.rabbit.address import AddressError, BrokerAddress

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route, and the names of its exchange and dead-letter queue, which begin with `mr.<namespace>.<route>`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def exchange(self) -> str:
        """The exchange that orders are published to, the route's front door."""
        return f"mr.{self.namespace}.{self.name}"

    @property
    def router(self) -> str:
        """The exchange behind the front door, where journals are believed."""
        return f"{self.exchange}.router"

    @property
    def dead_queue(self) -> str:
        """The queue of dead letters."""
        return f"{self.exchange}.dead"


def route(text: str | None, namespace: str | None) -> Route:
    """Parse `--route NAMESPACE/NAME`, or `--route NAME` and a namespace. Problem says what is missing."""
    if not text:
        raise Problem("which route? Say --route NAMESPACE/NAME (`kubectl get mr -A` lists them), or set MR_ROUTE")
    first, slash, second = text.partition("/")
    if not slash and not namespace:
        raise Problem(f"in which namespace is the route {text}? Say --route NAMESPACE/{text}, or -n NAMESPACE")
    if slash and namespace and first != namespace:
        raise Problem(f"--route says namespace {first}, -n or MR_NAMESPACE says {namespace}: which one?")
    names = (first, second) if slash else (namespace or "", first)
    for name in names:
        if not _NAME.fullmatch(name):
            raise Problem(f"{name!r} is no name of a namespace or route: small letters, digits and -, 63 at most")
    return Route(namespace=names[0], name=names[1])


def from_url(text: str, ca: str | None) -> BrokerAddress:
    """Parse --broker. Problem says what is wrong with it and never repeats it."""
    try:
        return BrokerAddress.from_url(text, ca)
    except AddressError as error:
        raise Problem(f"--broker (or MR_BROKER) {error}") from None


def from_secret(name: str, data: dict[str, bytes], ca: str | None) -> BrokerAddress:
    """Read the address in a route's Secret. Problem names what is missing or wrong."""
    try:
        return BrokerAddress.from_secret(data, ca)
    except AddressError as error:
        raise Problem(f"the broker's Secret {name} {error}: correct it, or give --broker") from None


def service(host: str, namespace: str) -> tuple[str, str] | None:
    """The (namespace, name) of the Service that a host name may mean inside a cluster, None for any other host."""
    labels = host.split(".")
    if not all(_NAME.fullmatch(label) for label in labels) or labels[0].isdigit():
        return None
    if len(labels) == 1:
        return namespace, labels[0]
    return (labels[1], labels[0]) if len(labels) == 2 or labels[2] == "svc" else None
