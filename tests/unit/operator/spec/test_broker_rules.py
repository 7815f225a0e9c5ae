"""Which addresses may be a broker's: by default Services and public ones, and never what only the operator reaches."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from merchantroute_operator.spec.broker_rules import BrokerRules, Kind, service_of

DEFAULT = BrokerRules.from_env({})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", Kind.LOOPBACK),
        ("127.8.9.10", Kind.LOOPBACK),
        ("::1", Kind.LOOPBACK),
        ("::ffff:127.0.0.1", Kind.LOOPBACK),
        ("64:ff9b::7f00:1", Kind.LOOPBACK),
        ("2002:7f00:1::", Kind.LOOPBACK),
        ("169.254.169.254", Kind.LINK_LOCAL),
        ("::ffff:169.254.169.254", Kind.LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", Kind.LINK_LOCAL),
        ("fe80::1", Kind.LINK_LOCAL),
        ("fe80::1%eth0", Kind.LINK_LOCAL),
        ("0.0.0.0", Kind.SPECIAL),
        ("::", Kind.SPECIAL),
        ("224.0.0.1", Kind.SPECIAL),
        ("ff0e::1", Kind.SPECIAL),
        ("255.255.255.255", Kind.SPECIAL),
        ("168.63.129.16", Kind.SPECIAL),
        ("10.96.0.1", Kind.PRIVATE),
        ("172.18.0.2", Kind.PRIVATE),
        ("192.168.1.1", Kind.PRIVATE),
        ("100.100.100.200", Kind.PRIVATE),
        ("fd00:ec2::254", Kind.PRIVATE),
        ("64:ff9b::a00:1", Kind.PRIVATE),
        ("8.8.8.8", Kind.PUBLIC),
        ("2606:4700::1111", Kind.PUBLIC),
        ("::ffff:8.8.8.8", Kind.PUBLIC),
    ],
)
def test_an_address_is_what_a_packet_to_it_meets(text: str, kind: Kind) -> None:
    assert DEFAULT.kind(ip_address(text)) is kind


def test_a_range_that_is_listed_counts_for_everything_in_it_but_what_is_excluded() -> None:
    rules = BrokerRules.from_env({"MR_OPERATOR_BROKER_ADDRESSES": " 10.20.0.0/16, ::1/128 ,!10.20.9.0/24,!8.8.8.8"})
    kinds = {text: rules.kind(ip_address(text)) for text in ("10.20.1.1", "::1", "10.20.9.1", "10.21.0.1", "8.8.8.8")}
    assert list(kinds.values()) == [Kind.LISTED, Kind.LISTED, Kind.REFUSED, Kind.PRIVATE, Kind.REFUSED]
    assert (rules.services, rules.public) == (False, False)
    assert (DEFAULT.services, DEFAULT.public) == (True, True)


def test_exclusions_alone_leave_the_defaults_as_they_are() -> None:
    rules = BrokerRules.from_env({"MR_OPERATOR_BROKER_ADDRESSES": "!203.0.113.0/24"})
    assert (rules.services, rules.public) == (True, True)
    assert rules.kind(ip_address("203.0.113.9")) is Kind.REFUSED


@pytest.mark.parametrize("port", [443, 5671, 5672, 15671, 15672])
def test_a_brokers_usual_ports_are_open_by_default(port: int) -> None:
    assert DEFAULT.refuses("rabbitmq.orders.svc", port) == ""


@pytest.mark.parametrize("port", [22, 80, 2379, 6443, 8080, 10250])
def test_other_ports_are_named_with_the_setting(port: int) -> None:
    assert DEFAULT.refuses("rabbitmq.orders.svc", port) == (
        f"its port {port} is not among those of MR_OPERATOR_BROKER_PORTS"
    )


def test_hosts_are_patterns_without_case_and_without_the_last_dot() -> None:
    rules = BrokerRules.from_env({"MR_OPERATOR_BROKER_HOSTS": "*.messaging.svc, *.Example.com, !old.example.com"})
    assert rules.refuses("rabbit.messaging.svc", 5672) == ""
    assert rules.refuses("MQ.example.com.", 5672) == ""
    for host in ("old.example.com", "example.com.evil.org", "10.0.0.1", "rabbit"):
        assert rules.refuses(host, 5672) == "its host is not among those of MR_OPERATOR_BROKER_HOSTS"


def test_ports_may_be_ranges() -> None:
    rules = BrokerRules.from_env({"MR_OPERATOR_BROKER_PORTS": "5672, 30000-32767"})
    assert [port for port in (5671, 5672, 29999, 30000, 32767, 32768) if not rules.refuses("a", port)] == [
        5672,
        30000,
        32767,
    ]


@pytest.mark.parametrize(
    ("setting", "reached"),
    [
        (None, {"orders", "teams", "messaging", "kube-system"}),
        ("messaging", {"messaging"}),
        ("!kube-system", {"orders", "teams", "messaging"}),
        ("@own", {"orders"}),
        ("@own, messaging", {"orders", "messaging"}),
        ("messaging, !orders, @own", {"messaging"}),
        ("@own, !kube-system", {"orders"}),
    ],
)
def test_the_namespaces_whose_services_a_route_of_orders_reaches(setting: str | None, reached: set[str]) -> None:
    rules = BrokerRules.from_env({} if setting is None else {"MR_OPERATOR_BROKER_NAMESPACES": setting})
    all_of_them = ("orders", "teams", "messaging", "kube-system")
    assert {each for each in all_of_them if not rules.refuses_namespace(each, "orders")} == reached


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("PORTS", "0", "MR_OPERATOR_BROKER_PORTS: 0 is no port"),
        ("PORTS", "5672-5671", "MR_OPERATOR_BROKER_PORTS: 5672-5671 is no port"),
        ("PORTS", "70000", "MR_OPERATOR_BROKER_PORTS: 70000 is no port"),
        ("PORTS", "amqp", "MR_OPERATOR_BROKER_PORTS: amqp is no port"),
        ("ADDRESSES", "10.0.0.1/8", "MR_OPERATOR_BROKER_ADDRESSES: 10.0.0.1/8 is no range"),
        ("ADDRESSES", "servces", "MR_OPERATOR_BROKER_ADDRESSES: servces is no range"),
        ("ADDRESSES", "!public", "MR_OPERATOR_BROKER_ADDRESSES: public is no range"),
        ("NAMESPACES", "@owm", "MR_OPERATOR_BROKER_NAMESPACES: @owm is no pattern"),
        ("NAMESPACES", "messaging,!@own", "MR_OPERATOR_BROKER_NAMESPACES: @own cannot be excluded"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_what_to_write(name: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words + ": (write|leave)"):
        BrokerRules.from_env({f"MR_OPERATOR_BROKER_{name}": text})


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("rabbit", ("own", "rabbit")),
        ("rabbit.orders", ("orders", "rabbit")),
        ("rabbit.orders.svc", ("orders", "rabbit")),
        ("Rabbit.orders.svc.cluster.local.", ("orders", "rabbit")),
        ("server-0.rabbit-nodes.orders.svc", ("orders", "rabbit-nodes")),
        ("rabbit.example.com", None),
        ("10.96.0.1", None),
        ("::1", None),
        ("..svc", None),
    ],
)
def test_the_service_that_a_name_may_mean(host: str, service: tuple[str, str] | None) -> None:
    assert service_of(host, "own") == service
