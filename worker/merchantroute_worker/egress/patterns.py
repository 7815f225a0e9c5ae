"""Patterns of host names: `*` stands for any run of characters, everything else for itself, whatever its case. Pure."""


def host_name(host: str) -> str:
    """The host as patterns see it: in lower case, without the dot of an absolute name."""
    return host.lower().removesuffix(".")


def matches(pattern: str, host: str) -> bool:
    """Whether `host` is one of those that `pattern` means; one pass, however many stars there are."""
    first, *rest = host_name(pattern).split("*")
    text = host_name(host)
    if not rest:
        return text == first
    *middle, end = rest
    if not text.startswith(first) or not text.endswith(end) or len(text) < len(first) + len(end):
        return False
    at, stop = len(first), len(text) - len(end)
    for part in middle:
        found = text.find(part, at, stop)
        if found < 0:
            return False
        at = found + len(part)
    return True
