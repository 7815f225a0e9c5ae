"""The kinds of addresses, by the registries of what is special, whatever way an address is written."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.egress.addresses import Kind, api_server, kind_of, literal, meant
from tests.unit.worker.fuzz import FUZZ

KINDS = {
    Kind.PUBLIC: ["8.8.8.8", "172.15.255.255", "172.32.0.0", "192.167.1.1", "100.63.255.255", "100.128.0.0", "11.0.0.1",
                  "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "3ffe::1"],
    Kind.LOOPBACK: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
    Kind.LINK_LOCAL: ["169.254.1.1", "fe80::1", "febf::1", "::ffff:169.254.1.1"],
    Kind.METADATA: ["169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16",
                    "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"],
    Kind.PRIVATE: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1", "::ffff:10.0.0.1",
                   "64:ff9b::a00:1"],
    Kind.SHARED: ["100.64.0.1", "100.127.255.255", "64:ff9b::6440:1"],
    Kind.MULTICAST: ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    Kind.RESERVED: ["0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
                    "203.0.113.1", "240.0.0.1", "255.255.255.255", "::", "2001:db8::1", "2001:10::1", "3fff::1",
                    "100::1", "fec0::1", "5f00::1", "4000::1", "64:ff9b:2::1"],
    Kind.TUNNEL: ["::7f00:1", "::8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b:1::a00:1", "2002:7f00:1::1",
                  "2002:808:808::1", "2001::1", "2001:0:53aa:64c::1", "2a00::5efe:7f00:1", "2a00::200:5efe:a00:1"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in KINDS.items() for text in texts])
def test_an_address_is_of_its_kind(text: str, kind: Kind) -> None:
    assert kind_of(ip_address(text)) is kind


@FUZZ
@given(address=st.ip_addresses())
def test_python_takes_no_public_address_for_a_special_one(address: IPv4Address | IPv6Address) -> None:
    if kind_of(address) is Kind.PUBLIC:
        reached = meant(address)
        assert reached.is_global
        assert not reached.is_multicast
        assert not reached.is_reserved


@FUZZ
@given(address=st.ip_addresses(v=4))
def test_an_ipv4_address_within_an_ipv6_one_is_judged_as_itself_or_refused(address: IPv4Address) -> None:
    low = int(address)
    for prefix in (0xFFFF << 32, int(ip_address("64:ff9b::"))):
        assert kind_of(IPv6Address(prefix | low)) is kind_of(address)
    for text in ("::ffff:0:0:0", "64:ff9b:1::", "2001::", "2a00::5efe:0:0"):
        assert kind_of(IPv6Address(int(ip_address(text)) | low)) is Kind.TUNNEL
    assert kind_of(IPv6Address((0x2002 << 112) | (low << 80))) is Kind.TUNNEL


def test_a_zone_is_no_part_of_an_address() -> None:
    assert literal("fe80::1%eth0") == ip_address("fe80::1")
    assert literal("pos.example") is None
    assert api_server({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}) == ip_address("10.96.0.1")
    assert api_server({}) is None
