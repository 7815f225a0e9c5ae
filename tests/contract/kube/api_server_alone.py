"""A client of an API server without nodes, whose audit log says request by request what the client asked for."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from merchantroute_kit.servers.api_server import ApiServer

Request = tuple[str, str, dict[str, str]]  # verb, path, query


def requests(server: ApiServer, resource: str, *, since: int = 0) -> Iterator[Request]:
    """What the operator's client asked of a resource, from a place in the log on; not what the test itself did."""
    for line in server.audit_log.read_bytes()[since:].splitlines():
        entry = json.loads(line)
        if entry.get("objectRef", {}).get("resource") != resource or entry["userAgent"].startswith("Python-urllib"):
            continue
        url = urlsplit(entry["requestURI"])
        yield entry["verb"], url.path, {key: values[0] for key, values in parse_qs(url.query).items()}
