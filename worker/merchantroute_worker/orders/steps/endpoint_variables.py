"""Variables of endpoints."""

from urllib.parse import quote


def fill_in_merchant(endpoint: str, merchant: str) -> str:
    """An endpoint with {merchant} in its path replaced."""
    path = endpoint.find("/", endpoint.find("://") + 3)  # in the host, whoever publishes would choose where it goes
    return endpoint if path < 0 else endpoint[:path] + endpoint[path:].replace("{merchant}", quote(merchant, safe=""))
