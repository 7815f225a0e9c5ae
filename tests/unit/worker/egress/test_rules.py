"""A route's rules: what is called without any, what ranges and patterns of hosts allow, and what they never do."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from merchantroute_worker.egress.patterns import matches
from merchantroute_worker.egress.rules import Egress, ForbiddenAddress, parse_egress

API_SERVER = ip_address("10.96.0.1")


def rules(*allow: str, deny: tuple[str, ...] = ()) -> Egress:
    return parse_egress({"allow": list(allow), "deny": list(deny)})


def is_called(egress: Egress, address: str, host: str = "pos.example") -> bool:
    return not egress.why_not(host, ip_address(address), API_SERVER)


@pytest.mark.parametrize(
    ("allow", "called", "refused"),
    [
        ([], ["8.8.8.8", "64:ff9b::808:808"], ["127.0.0.1", "10.0.0.1", "169.254.169.254", "2002:808:808::1", "::"]),
        (["10.20.0.0/16"], ["10.20.0.1", "::ffff:10.20.0.1", "64:ff9b::a14:1"], ["10.21.0.1", "127.0.0.1"]),
        (["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2", "::1"]),
        (["*.pos.svc", "pos.example"], ["10.0.0.1", "100.64.0.1", "fd00::1"],
         ["127.0.0.1", "169.254.1.1", "169.254.169.254", "fd00:ec2::254", "100.100.100.200", "10.96.0.1", "224.0.0.1",
          "192.0.2.1", "2002:a00:1::1", "::7f00:1"]),
        (["*"], ["10.0.0.1"], ["127.0.0.1", "169.254.169.254", "10.96.0.1"]),
        (["other.example"], [], ["10.0.0.1"]),
        # Ranges that hold what is nobody's merchant: it has to be named by itself.
        (["0.0.0.0/0", "::/0"], ["127.0.0.1", "10.0.0.1", "2002:a00:1::1"],
         ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "10.96.0.1", "::ffff:169.254.169.254"]),
        (["169.254.169.254/32", "10.96.0.1"], ["169.254.169.254", "10.96.0.1"], ["169.254.170.2"]),
    ],
)  # fmt: skip
def test_what_is_allowed_is_called_and_nothing_else(allow: list[str], called: list[str], refused: list[str]) -> None:
    egress = rules(*allow)

    assert [address for address in called if not is_called(egress, address)] == []
    assert [address for address in refused if is_called(egress, address)] == []


def test_what_is_denied_is_not_called_whatever_is_allowed() -> None:
    egress = rules("10.0.0.0/8", "*", deny=("10.5.0.0/16", "*.kitchen.svc", "203.0.113.0/24", "8.8.8.8"))

    assert is_called(egress, "10.6.0.1")
    assert not is_called(egress, "10.5.0.1")
    assert not is_called(egress, "::ffff:10.5.0.1")
    assert not is_called(egress, "10.6.0.1", host="db.kitchen.svc.")
    assert not is_called(egress, "8.8.8.8")


def test_an_older_operator_s_routes_call_private_addresses_and_no_others_that_are_not_public() -> None:
    egress = parse_egress(None)

    assert all(is_called(egress, address) for address in ("10.0.0.1", "192.168.1.1", "fd12::1", "100.64.0.1"))
    assert not any(is_called(egress, address) for address in ("127.0.0.1", "169.254.169.254", "fd00:ec2::254"))


def info(address: str) -> Any:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))


def test_only_the_allowed_ones_of_a_name_s_addresses_are_connected_to() -> None:
    resolved = [info(address) for address in ("127.0.0.1", "8.8.8.8", "10.0.0.1", "fe80::1%eth0")]

    assert Egress().admitted("pos.example", resolved) == [info("8.8.8.8")]
    with pytest.raises(ForbiddenAddress, match=r"loopback address \(127.0.0.1\).*spec.egress.allow"):
        Egress().admitted("pos.example", resolved[:1])
    assert Egress().admitted("pos.example", []) == []


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5", "a.0x", "1."]
)
def test_an_address_in_another_spelling_is_none_that_is_called_wherever_a_resolver_takes_it(host: str) -> None:
    with pytest.raises(ForbiddenAddress, match="another spelling"):
        rules("0.0.0.0/0").admitted(host, [info("8.8.8.8")])


@pytest.mark.parametrize("host", ["8.8.8.8", "8.8.8.8.example", "0x7f.example", "1a", "2606:4700::1111"])
def test_names_and_addresses_as_they_are_written_are_called(host: str) -> None:
    assert Egress().admitted(host, [info("8.8.8.8")]) == [info("8.8.8.8")]


@pytest.mark.parametrize(
    ("pattern", "host", "meant"),
    [
        ("pos.example", "POS.example.", True),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("*.example", "a.example.org", False),
        ("pos-*.svc", "pos-1.svc", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "acb", False),
        ("*", "anything", True),
        ("10.0.0.*", "10.0.0.7", True),
    ],
)
def test_a_star_is_any_run_of_characters(pattern: str, host: str, meant: bool) -> None:
    assert matches(pattern, host) is meant
