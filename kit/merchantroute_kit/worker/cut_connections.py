"""Connections closed at the broker, through its management API, as an administrator does."""

from contextlib import suppress
from urllib.error import HTTPError
from urllib.parse import quote

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.waiting import until


def cut(vhost: Vhost, *, consumers: int = 1) -> int:
    """Close every connection that has a name (pods' have), once so many of them are consumers'; gives how many."""

    def named() -> list[str]:
        found = vhost.api("GET", f"vhosts/{vhost.name}/connections")
        called = {one["name"]: (one.get("client_properties") or {}).get("connection_name", "") for one in found}
        enough = sum(name.endswith(" consumer") for name in called.values()) >= consumers
        return [name for name, given in called.items() if given] if enough else []

    names = until(named, "the management to list the worker's connections")
    for name in names:
        with suppress(HTTPError):
            # The management lists a connection a moment longer than it lives.
            vhost.api("DELETE", f"connections/{quote(name, safe='')}")
    return len(names)
