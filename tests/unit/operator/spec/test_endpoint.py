"""The operator's reading of endpoints: the written grammar."""

from __future__ import annotations

import unicodedata
from contextlib import nullcontext

import pytest

from merchantroute_operator.spec.endpoint import host_and_port
from merchantroute_operator.spec.merge import merge
from tests.harness.endpoint_grammar import ACCEPTED, DOTS, REFUSED
from tests.unit.operator.merchant_samples import a_claim
from tests.unit.operator.route_samples import a_route


@pytest.mark.parametrize("endpoint", ACCEPTED)
def test_what_may_be_written_is_a_merchant(endpoint: str) -> None:
    assert merge(a_route(), [a_claim("taco", endpoint=endpoint)]).ids == {"taco"}


@pytest.mark.parametrize(("endpoint", "word"), REFUSED)
def test_what_may_not_be_written_is_refused_and_the_reason_says_why(endpoint: str, word: str) -> None:
    merged = merge(a_route(), [a_claim("taco", endpoint=endpoint), a_claim("good")])
    assert merged.ids == {"good"}
    _, why = merged.refused["taco"]
    assert str(why.reason) == "EndpointInvalid"
    assert word in why.message
    assert "hunter2" not in why.message


@pytest.mark.parametrize("merchant", DOTS)
def test_an_id_that_no_order_can_have_is_refused(merchant: str) -> None:
    merged = merge(a_route(), [a_claim("taco", id=merchant), a_claim("good")])
    assert merged.ids == {"good"}
    assert str(merged.refused["taco"][1].reason) == "IdInvalid"


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://POS.Example/v1", ("pos.example", 443)),
        ("http://pos.example.", ("pos.example.", 80)),
        ("https://[2001:DB8::1]:08443/", ("2001:db8::1", 8443)),
    ],
)
def test_host_and_port_are_those_that_workers_connect_to(endpoint: str, address: tuple[str, int]) -> None:
    assert host_and_port(endpoint) == address


@pytest.mark.parametrize("char", [chr(number) for number in range(128)])
def test_of_ascii_the_control_characters_the_space_and_the_backslash_are_refused(char: str) -> None:
    refused = unicodedata.category(char) in {"Cc", "Zs"} or char == "\\"
    expected = pytest.raises(ValueError, match="white space") if refused else nullcontext()
    with expected:
        host_and_port(f"https://pos.example/v1/{char if char not in '?#{}' else ''}")
