"""The worker's reading of endpoints: the written grammar, and a URL library's word on whatever else is written."""

import re
from ipaddress import ip_address
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from merchantroute_operator.spec.endpoint import host_and_port
from merchantroute_worker.calls.endpoint import Endpoint, read
from merchantroute_worker.calls.request import UnusableEndpoint, build
from merchantroute_worker.orders.steps.step import Step
from tests.harness.endpoint_grammar import ACCEPTED, REFUSED
from tests.unit.worker.fuzz import FUZZ
from tests.unit.worker.samples import order, route

PIECES = st.sampled_from([
    *"abz019-_.:/@[]{}?#%\\ ", "..", "/.", "/..", "%2e", "%2F", ":443", ":0", ":65536", "::", "ffff", "::1", "[::1]",
    "10.0.0.1", "256", "{merchant}", "xn--bcher-kva", "ü", "寿", "٣", "\t", "\u00a0", "\ud83d", "a" * 60, "b.c",
])  # fmt: skip
GROUPS = st.lists(st.sampled_from(["", "0", "1", "ab", "FFFF", "12345", "1.2.3.4", "1.2.3.256"]), max_size=9)
WRITTEN = st.lists(PIECES, max_size=8).map("".join)
MANGLED = st.tuples(st.sampled_from(ACCEPTED), st.integers(0, 60), st.integers(0, 3), PIECES).map(
    lambda drawn: drawn[0][: drawn[1]] + drawn[3] + drawn[0][drawn[1] + drawn[2] :]
)
ENDPOINTS = (
    WRITTEN.map("https://".__add__) | WRITTEN | MANGLED | GROUPS.map(lambda each: f"https://[{':'.join(each)}]/v1")
)
POST = Step(name="submit", method="POST", path="/orders")


def of_the_operator(endpoint: str) -> str:
    """What the operator says against it; empty if it takes it."""
    try:
        host_and_port(endpoint)
    except ValueError as error:
        return str(error)
    return ""


def of_the_worker(endpoint: str) -> str:
    """What keeps the worker from building a request; empty if nothing does."""
    merchant = route(defaultEndpoint=endpoint).merchant("burger hut/{1}") if endpoint else None
    if merchant is None:
        return "begin it with https://"
    try:
        build(POST, order(), merchant, attempt=1, insecure_hosts=("*",))
    except UnusableEndpoint as error:
        return str(error)
    return ""


@pytest.mark.parametrize("endpoint", ACCEPTED)
def test_what_may_be_written_is_called(endpoint: str) -> None:
    assert of_the_worker(endpoint) == ""


@pytest.mark.parametrize(("endpoint", "word"), REFUSED)
def test_what_may_not_be_written_is_not_called_and_the_reason_says_why(endpoint: str, word: str) -> None:
    assert of_the_worker(endpoint)
    with pytest.raises(ValueError, match=re.escape(word)):
        read(endpoint)


@FUZZ
@given(ENDPOINTS)
@example("https://pos.example:0")
@example("https://{merchant}.example/{merchant}")
def test_worker_and_operator_refuse_the_same(endpoint: str) -> None:
    assert bool(of_the_worker(endpoint)) == bool(of_the_operator(endpoint))


@FUZZ
@given(ENDPOINTS)
@example("https://pos.example/a/../b/%2e/c/..")
@example("https://[::FFFF:10.0.0.1]:0443/%7e")
def test_what_is_read_is_what_a_url_library_reads(endpoint: str) -> None:
    filled = endpoint.replace("{merchant}", "m")
    try:
        ours = read(filled)
    except ValueError:
        return
    theirs = URL(filled)

    assert (ours.scheme, ours.port) == (theirs.scheme, theirs.port)
    assert plain(ours.host) == plain(theirs.raw_host or "")
    assert unquote(ours.path) == unquote(theirs.raw_path).rstrip("/")
    assert host_and_port(filled) == (ours.host, ours.port)


def plain(host: str) -> str:
    """One spelling of an address or a name."""
    return str(ip_address(host)) if ":" in host else host


@pytest.mark.parametrize("endpoint", ["https://user:hunter2@pos.example/v1", "https://a b:hunter2@pos.example/"])
def test_a_password_in_an_endpoint_is_told_to_nobody(endpoint: str) -> None:
    assert "hunter2" not in of_the_worker(endpoint)
    assert "hunter2" not in of_the_operator(endpoint)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("", ""),
        ("/", ""),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/..", ""),
        ("/../../a", "/a"),
        ("/a/%2E%2e/%2e/b/", "/b"),
        ("/..a/b..", "/..a/b.."),
        ("/a%2F..%2Fb", "/a%2F..%2Fb"),
        ("/100%/%zz", "/100%/%zz"),
    ],
)
def test_dot_segments_are_not_sent(path: str, sent: str) -> None:
    assert read(f"https://pos.example{path}") == Endpoint("https", "pos.example", 443, sent)
