"""Hosts in URLs."""

from urllib.parse import urlsplit

import pytest

from merchantroute_kit.wire.hosts import in_url


@pytest.mark.parametrize("host", ["rabbit.orders.svc", "172.18.0.2", "fc00:f853:ccd:e793::2"])
def test_a_host_is_read_from_a_url_as_it_was_written_into_it(host: str) -> None:
    url = urlsplit(f"http://user:pass@{in_url(host)}:15672")
    assert (url.hostname, url.port) == (host, 15672)
