"""Calls of an app's own by requests are judged as the built-in task's are."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from merchantroute_worker import guard
from merchantroute_worker.egress.rules import Egress, parse_egress
from tests.harness.certificates import authority, certificate
from tests.unit.worker.guard.listening import Listening, listening

HERE = parse_egress({"allow": ["127.0.0.0/8"]})
NOWHERE = Egress()


def here() -> Egress:
    return HERE


def nowhere() -> Egress:
    return NOWHERE


@pytest.fixture
def server() -> Iterator[Listening]:
    with listening() as made:
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_that_is_not_allowed_is_not_connected_to(server: Listening, host: str) -> None:
    with pytest.raises(guard.ForbiddenAddress, match=r"leads to a loopback address .*spec\.egress\.allow"):
        guard.session(rules=nowhere).get(f"http://{host}:{server.port}/", timeout=5)

    assert server.connections == 0
    assert guard.session(rules=here).get(f"http://{host}:{server.port}/", timeout=5).status_code == 200
    assert server.connections == 1
    assert server.hosts == [f"{host}:{server.port}"], "the name is what the merchant hears"


def test_it_is_an_error_of_requests_and_of_the_worker(server: Listening) -> None:
    with pytest.raises(requests.exceptions.RequestException) as raised:
        guard.session(rules=nowhere).get(f"http://127.0.0.1:{server.port}/", timeout=5)

    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - as a child process hands it to its parent
    assert isinstance(again, guard.ForbiddenAddress)
    assert str(again) == str(raised.value)


def test_the_name_in_tls_and_in_the_certificate_is_the_url_s(tmp_path: Path) -> None:
    ca = authority(tmp_path, "ca")
    of_localhost = certificate(tmp_path, "server", by=ca, names="DNS:localhost")
    with listening(certificate=of_localhost) as server:
        session = guard.session(rules=here)
        session.verify = str(ca)

        assert session.get(f"https://localhost:{server.port}/", timeout=5).status_code == 200
        assert server.names == ["localhost"]
        with pytest.raises(requests.exceptions.SSLError, match=r"127\.0\.0\.1"):
            session.get(f"https://127.0.0.1:{server.port}/", timeout=5)


def test_a_redirect_is_judged_as_well(server: Listening) -> None:
    with listening("127.0.0.2") as inside:
        server.redirect_to = f"http://127.0.0.2:{inside.port}/latest/meta-data"
        rules = parse_egress({"allow": ["127.0.0.1"]})

        with pytest.raises(guard.ForbiddenAddress, match=r"127\.0\.0\.2"):
            guard.session(rules=lambda: rules).get(f"http://127.0.0.1:{server.port}/", timeout=5)

        assert (server.connections, inside.connections) == (1, 0)


def test_no_proxy_is_asked_to_go_where_nothing_is_judged(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    with pytest.raises(guard.ForbiddenAddress, match="trust_env = False"):
        guard.mount(requests.Session(), here).get("http://pos.invalid/", timeout=5)
    with pytest.raises(requests.exceptions.ConnectionError, match=r"pos\.invalid"):
        guard.session(rules=here).get("http://pos.invalid/", timeout=5)

    assert server.connections == 0


def write(folder: Path, *allow: str) -> None:
    whole = folder / "new"
    whole.write_text(json.dumps({"v": 1, "egress": {"allow": allow}}))
    whole.replace(folder / "route.json")


def test_the_rules_are_the_mounted_route_s_and_a_kept_connection_ends_with_them(
    server: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MR_CONFIG_DIR", str(tmp_path))
    session, url = guard.session(), f"http://127.0.0.1:{server.port}/"
    with pytest.raises(guard.NoRules, match="MR_CONFIG_DIR"):
        session.get(url, timeout=5)

    write(tmp_path, "127.0.0.0/8")
    assert [session.get(url, timeout=5).status_code for _ in range(3)] == [200] * 3
    assert server.connections == 1, "a kept connection is not judged again"
    write(tmp_path, "127.0.0.0/8")
    assert session.get(url, timeout=5).status_code == 200
    assert server.connections == 1, "the same rules in a newer file"

    write(tmp_path, "10.0.0.0/8")
    with pytest.raises(guard.ForbiddenAddress):
        session.get(url, timeout=5)

    (tmp_path / "route.json").write_text("{")
    with pytest.raises(guard.ForbiddenAddress):
        session.get(url, timeout=5)


def test_a_session_that_was_pickled_is_guarded(server: Listening) -> None:
    copy = pickle.loads(pickle.dumps(guard.session(rules=nowhere)))  # noqa: S301 - made here

    with pytest.raises(guard.ForbiddenAddress):
        copy.get(f"http://127.0.0.1:{server.port}/", timeout=5)
    assert server.connections == 0


def test_the_api_server_is_not_a_service_like_others(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")

    with pytest.raises(guard.ForbiddenAddress, match="API server"):
        guard.session(rules=here).get(f"http://127.0.0.1:{server.port}/", timeout=5)
    named = parse_egress({"allow": ["127.0.0.1"]})
    assert guard.session(rules=lambda: named).get(f"http://127.0.0.1:{server.port}/", timeout=5).status_code == 200


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "\u2024.example"])
def test_a_host_that_is_no_name_is_an_error_of_requests(host: str) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        guard.session(rules=here).get(f"http://{host}/", timeout=5)
