"""URLs of endpoints in one form for all their spellings. Pure."""

import re

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_DOT = re.compile("%2e", re.IGNORECASE)


def without_dots(path: str) -> str:
    """The path without `.` and `..`, as URL libraries and curl send it (RFC 3986, 5.2.4)."""
    if "/." not in path and "/%2" not in path:
        return path
    kept: list[str] = []
    first, *segments = path.split("/")
    for segment in segments:
        plain = _DOT.sub(".", segment)
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
    return "/".join([first, *kept])


def normal(endpoint: str) -> str:
    """One form for all spellings of a URL (RFC 3986, 6.2): case, default port, dots, last slash."""
    scheme, _, rest = endpoint.partition("://")
    host, slash, path = rest.partition("/")
    scheme, host = scheme.lower(), host.lower()
    host = host.removesuffix(_DEFAULT_PORTS.get(scheme, "")).removesuffix(".")
    return f"{scheme}://{host}{without_dots(slash + path)}".rstrip("/")
