"""Cut connections as an operator would: at the broker, through its management."""

from contextlib import suppress
from urllib.error import HTTPError
from urllib.parse import quote

from tests.harness.vhosts import Vhost
from tests.worker.waiting import until


def cut(vhost: Vhost) -> int:
    """Close every connection that has a name (pods' have); gives how many there were, two at least."""

    def named() -> list[str]:
        found = vhost.api("GET", f"vhosts/{vhost.name}/connections")
        names = [one["name"] for one in found if "connection_name" in (one.get("client_properties") or {})]
        return names if len(names) >= 2 else []

    names = until(named, "the management to list the worker's connections")
    for name in names:
        with suppress(HTTPError):
            # The management lists a connection a moment longer than it lives.
            vhost.api("DELETE", f"connections/{quote(name, safe='')}")
    return len(names)
