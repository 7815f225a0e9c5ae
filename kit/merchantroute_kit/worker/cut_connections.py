"""Connections closed at the broker, through its management API, as an administrator does."""

from collections.abc import Set as AbstractSet
from contextlib import suppress
from urllib.error import HTTPError
from urllib.parse import quote

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until


def cut(vhost: Vhost, *, consumers: int = 1, closed: AbstractSet[str] = frozenset()) -> frozenset[str]:
    """Close every connection that has a name (pods' have), once so many of them are consumers'; gives those that it
    closed. `closed` were closed before, and are not looked at: the management lists a connection longer than it lives.
    """

    def named() -> list[str]:
        found = [one for one in vhost.api("GET", f"vhosts/{vhost.name}/connections") if one["name"] not in closed]
        called = {one["name"]: (one.get("client_properties") or {}).get("connection_name", "") for one in found}
        enough = sum(name.endswith(" consumer") for name in called.values()) >= consumers
        return [name for name, given in called.items() if given] if enough else []

    names = until(named, "the management to list the worker's connections")
    for name in names:
        with suppress(HTTPError):
            vhost.api("DELETE", f"connections/{quote(name, safe='')}")
    return frozenset(names)
