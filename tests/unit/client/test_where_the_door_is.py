"""The client's settings: broker and route, from arguments, environment and files, and the errors without them."""

from pathlib import Path

import pytest

from merchantroute_worker.client import Client, NotConfigured
from merchantroute_worker.client.settings import broker_address, front_door
from merchantroute_worker.rabbit.address import AddressError, BrokerAddress, BrokerFilesError

URL = "amqp://shop:s%2Fcret@rabbit:5673/vhost%2F1"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (URL, BrokerAddress(host="rabbit", port=5673, username="shop", password="s/cret", vhost="vhost/1")),
        ("amqp://rabbit", BrokerAddress(host="rabbit", port=5672, username="guest", password="guest")),
        ("amqp://a:b@rabbit//", BrokerAddress(host="rabbit", port=5672, username="a", password="b")),
        ("amqps://a:b@[::1]/", BrokerAddress(host="::1", port=5671, username="a", password="b", tls=True)),
    ],
)
def test_a_url(url: str, found: BrokerAddress) -> None:
    assert broker_address(url, None, {})() == found
    assert broker_address(None, None, {"MR_BROKER": url})() == found


def test_a_directory_of_files_is_read_at_each_connect(tmp_path: Path) -> None:
    for name, text in {"host": "rabbit\n", "port": "5671", "username": "shop", "password": "old", "ca.crt": ""}.items():
        (tmp_path / name).write_text(text)
    where = broker_address(tmp_path, None, {"MR_BROKER": "amqp://elsewhere"})
    assert (where().host, where().password, where().tls) == ("rabbit", "old", True)

    (tmp_path / "password").write_text("new")

    assert where().password == "new"
    assert broker_address(None, None, {"MR_BROKER_DIR": str(tmp_path)})().password == "new"


@pytest.mark.parametrize("url", ["http://a:secret@rabbit", "amqp://:secret@/x", "amqp://a:secret@rabbit:port/"])
def test_a_url_that_makes_no_sense_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(NotConfigured, match="the broker's URL") as said:
        broker_address(url, None, {})

    assert "secret" not in str(said.value)


def test_an_authority_without_tls_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="write amqps://"):
        broker_address(URL, tmp_path / "ca.crt", {})


@pytest.mark.parametrize("port", ["²", "٣", "0", "65536", "5672.0", "-1", "9" * 5000])
def test_a_port_that_is_none_is_told(tmp_path: Path, port: str) -> None:
    for name, text in {"host": "::1", "port": port, "username": "shop", "password": "s"}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(BrokerFilesError, match="not a number from 1 to 65535"):
        broker_address(tmp_path, None, {})()
    with pytest.raises(AddressError, match="not a number from 1 to 65535"):
        BrokerAddress.from_secret({"host": b"::1", "port": port.encode(), "username": b"shop", "password": b"s"})


def test_no_broker_at_all() -> None:
    with pytest.raises(NotConfigured, match=r"set MR_BROKER.*there is none at /etc/merchantroute/broker"):
        broker_address(None, None, {})


def test_the_address_is_told_without_the_password() -> None:
    found = broker_address(URL, None, {})()

    assert str(found) == "shop@rabbit:5673/vhost/1"
    assert "cret" not in repr(found)
    assert BrokerAddress(host="::1", port=1, username="a", password="b").netloc == "[::1]:1"


@pytest.mark.parametrize(
    ("route", "environment", "exchange"),
    [
        ("orders/pos", {}, "mr.orders.pos"),
        (None, {"MR_ROUTE": "orders/pos"}, "mr.orders.pos"),
        (None, {"MR_ROUTE": "pos", "MR_NAMESPACE": "orders"}, "mr.orders.pos"),
        ("other", {"MR_ROUTE": "pos", "MR_NAMESPACE": "orders"}, "mr.orders.other"),
        ("a/b", {"MR_ROUTE": "pos", "MR_NAMESPACE": "orders"}, "mr.a.b"),
    ],
)
def test_a_route(route: str | None, environment: dict[str, str], exchange: str) -> None:
    assert front_door(route, environment) == exchange


@pytest.mark.parametrize("route", [None, "", "pos", "orders/", "/pos", "a/b/c"])
def test_no_route(route: str | None) -> None:
    with pytest.raises(NotConfigured, match="as namespace/name"):
        front_door(route, {})


@pytest.mark.parametrize("within", [0, -1, float("nan"), float("inf"), "10", 86_401])
def test_a_bound_is_a_number_of_seconds(within: float) -> None:
    with pytest.raises(ValueError, match="within must be seconds above 0"):
        Client(broker=URL, route="orders/pos", within=within)
