"""A broker's Secret is read whole, or it is said which key is wrong and what to write, without any value of it."""

from __future__ import annotations

import pytest

from merchantroute_operator.errors import SecretInvalid
from merchantroute_operator.spec.sections.broker_secret import parse_broker

GOOD = {"host": b"rabbitmq.orders.svc", "port": b"5672", "username": b"u", "password": b"p4ss"}


@pytest.mark.parametrize("port", ["99999999", "²", "0", "-1", "65536", "amqp", "5672.0", "9" * 5000, "٣"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(SecretInvalid, match=r"Secret rabbitmq: port is not a number from 1 to 65535: write .* 5672"):
        parse_broker("rabbitmq", {**GOOD, "port": port.encode()})


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://rabbit:port", "its port is none"),
        ("http://rabbit:99999", "its port is none"),
        ("http://rabbit:0", "no http:// or https:// address"),
        ("rabbit:15672", "no http:// or https:// address"),
        ("ftp://rabbit", "no http:// or https:// address"),
        ("http://", "no http:// or https:// address"),
        ("http://[1]/", "no http:// or https:// address|is no address"),
        ("http://[::1", "is no address"),
        ("http://127.1:15672", "no http:// or https:// address"),
        ("http://2130706433", "no http:// or https:// address"),
        ("http://0x7f000001/", "no http:// or https:// address"),
        ("http://" + "a" * 64, "no http:// or https:// address"),
        ("http://u:hunter2@rabbit:15672", "holds a user"),
        ("http://rabbit:15672/?a=b", "has a query or a fragment"),
        ("http://rabbit:15672/#a", "has a query or a fragment"),
        ("http://rabbit:15672/ä", "a character that an address must quote"),
        ("http://rabbit:15672/a\nHost: b", "a character that an address must quote"),
    ],
)
def test_a_management_uri_that_is_none_is_refused_with_what_to_write(uri: str, words: str) -> None:
    with pytest.raises(SecretInvalid, match=rf"Secret rabbitmq: management_uri .*({words}).*: write http://") as raised:
        parse_broker("rabbitmq", {**GOOD, "management_uri": uri.encode()})
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "host",
    [
        "http://rabbit",
        "rabbit:5672",
        "a b",
        "a\x00b",
        "a" * 64,
        "rabbit/",
        "räbbit",
        "u@h",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "10.0.0.1.",
        "rabbit.0X7F",
    ],
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(SecretInvalid, match="Secret rabbitmq: host is no name and no address"):
        parse_broker("rabbitmq", {**GOOD, "host": host.encode()})


def test_a_user_that_the_management_api_cannot_be_told_is_refused() -> None:
    with pytest.raises(SecretInvalid, match="username holds a colon"):
        parse_broker("rabbitmq", {**GOOD, "username": b"a:b"})


@pytest.mark.parametrize(
    ("keys", "uri"),
    [
        ({}, "http://rabbitmq.orders.svc:15672"),
        ({"host": b"::1"}, "http://[::1]:15672"),
        ({"host": b"10.1.2.3"}, "http://10.1.2.3:15672"),
        ({"host": b"fd00::10.1.2.3"}, "http://[fd00::10.1.2.3]:15672"),
        ({"host": b"0x.rabbit.example"}, "http://0x.rabbit.example:15672"),
        ({"management_uri": b"https://mq.example.com/rabbit/"}, "https://mq.example.com/rabbit"),
        ({"management_uri": b"http://[fd00::7]:15672"}, "http://[fd00::7]:15672"),
        ({"management_uri": b"HTTP://Rabbit:15672"}, "HTTP://Rabbit:15672"),
    ],
)
def test_addresses_that_are_some_are_taken(keys: dict[str, bytes], uri: str) -> None:
    assert parse_broker("rabbitmq", {**GOOD, **keys}).management_uri == uri
