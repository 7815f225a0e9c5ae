"""The client's settings, its broker and its route's exchange: arguments, the environment, then the files of a pod."""

from collections.abc import Callable, Mapping
from pathlib import Path

from merchantroute_worker.rabbit.address import AddressError, BrokerAddress

DIRECTORY = "/etc/merchantroute/broker"


class NotConfigured(ValueError):
    """The client does not know its broker or its route; the text says what to set."""


def broker_address(
    broker: str | Path | None, ca: str | Path | None, environment: Mapping[str, str]
) -> Callable[[], BrokerAddress]:
    """Give a function that gives the address. Files are read again at each connect, so a rotated password is found.

    Raises:
        NotConfigured: no broker is named, or its URL is wrong. The text never has the URL, which holds the password.
    """
    given = str(broker or environment.get("MR_BROKER") or environment.get("MR_BROKER_DIR") or "")
    authority = str(ca) if ca else None
    if "://" in given:
        try:
            address = BrokerAddress.from_url(given, authority)
        except AddressError as error:
            raise NotConfigured(f"the broker's URL {error}") from None
        return lambda: address
    directory = Path(given or DIRECTORY)
    if not directory.is_dir():
        raise NotConfigured(
            "no broker: give broker= or set MR_BROKER, an amqp:// or amqps:// URL or a directory with the files host, "
            f"port, username and password (there is none at {directory})"
        )
    return lambda: BrokerAddress.from_files(directory, authority)


def front_door(route: str | None, environment: Mapping[str, str]) -> str:
    """The exchange that a route's orders are published to, its front door.

    `route` is "namespace/name"; without it MR_ROUTE is, or is the name alone beside MR_NAMESPACE.
    """
    given = route or environment.get("MR_ROUTE") or ""
    namespace, slash, name = given.rpartition("/")
    if not slash:
        namespace = environment.get("MR_NAMESPACE") or ""
    if not name or not namespace or "/" in namespace:
        raise NotConfigured(
            f"no route: give route= or set MR_ROUTE, as namespace/name (it is {given!r}); "
            "MR_ROUTE may be the name alone where MR_NAMESPACE is set"
        )
    return f"mr.{namespace}.{name}"
