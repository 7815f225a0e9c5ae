"""What a route says of where its calls may go: read, refused with the remedy, and understood by the workers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_operator.resources.configuration.config_files import route_file
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.patterns import matches
from merchantroute_operator.spec.route import Egress
from merchantroute_worker.egress.patterns import matches as workers_match
from merchantroute_worker.egress.rules import parse_egress as workers_egress
from tests.unit.operator.route_samples import raw_route

HOSTS = st.sampled_from(
    [
        "10.20.0.0/16", "fd00:20::/32", "10.0.0.1", "::1", "*.pos.svc", "pos", "*", "10.pos.example", "0x7f.example",
        "::ffff:10.0.0.0/104", "0.0.0.0/0", "127.1", "10.*", "1.2.3.4.5", "10.0.0.1/8", "300.1.1.1", "::/129",
        "/", ":", "a/b", "fe80::1%eth0",
    ]
)  # fmt: skip


def with_egress(**egress: Any) -> dict[str, Any]:
    raw = raw_route()
    raw["spec"]["egress"] = egress
    return raw


def test_ranges_addresses_and_patterns_are_told_to_the_workers() -> None:
    allow = ["10.20.0.0/16", "FD00:0020::/32", "10.0.0.1", "*.POS.svc."]
    route = parse(with_egress(allow=allow, deny=["10.20.5.0/24"], insecureHosts=["*.Pos.svc"]))

    allowed = ("10.20.0.0/16", "fd00:20::/32", "10.0.0.1", "*.pos.svc")
    assert route.egress == Egress(allow=allowed, deny=("10.20.5.0/24",), insecure_hosts=("*.pos.svc",))
    assert json.loads(route_file(route, "cluster-1", {}))["egress"] == {
        "allow": ["10.20.0.0/16", "fd00:20::/32", "10.0.0.1", "*.pos.svc"],
        "deny": ["10.20.5.0/24"],
        "insecureHosts": ["*.pos.svc"],
    }


def test_a_route_that_says_nothing_tells_the_workers_that_it_allows_nothing() -> None:
    file = json.loads(route_file(parse(raw_route()), "cluster-1", {}))

    assert file["egress"] == {"allow": [], "deny": [], "insecureHosts": []}


@pytest.mark.parametrize(
    "entry", ["10.20.0.1/16", "127.1", "10.*", "300.0.0.1", "::1/200", "fe80::1%eth0/64", "fe80::1%eth0", "2130706433"]
)
@pytest.mark.parametrize("field", ["allow", "deny"])
def test_what_is_no_range_is_refused_with_the_remedy(field: str, entry: str) -> None:
    with pytest.raises(SpecInvalid, match=rf"spec\.egress\.{field}: .*write one such as 10\.20\.0\.0/16"):
        parse(with_egress(**{field: [entry]}))


@given(allow=st.lists(HOSTS, max_size=4))
def test_the_workers_can_read_whatever_is_not_refused(allow: list[str]) -> None:
    try:
        route = parse(with_egress(allow=allow))
    except SpecInvalid:
        return
    workers_egress(json.loads(route_file(route, "cluster-1", {}))["egress"])


SHORT = st.text("ab.*", max_size=8)


@given(pattern=SHORT, host=st.text("ab.", max_size=8).map(lambda text: text.rstrip(".")))
def test_a_pattern_means_the_same_hosts_to_operator_and_workers(pattern: str, host: str) -> None:
    written = pattern.rstrip(".")  # as the operator writes it for them
    assert matches(written, host) == workers_match(written, host)
