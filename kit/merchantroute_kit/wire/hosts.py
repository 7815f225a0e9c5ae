"""Hosts in URLs."""


def in_url(host: str) -> str:
    """A name or an address as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
