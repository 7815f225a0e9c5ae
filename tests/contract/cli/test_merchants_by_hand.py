"""`merchantroute merchant` on a real API server: who is held or isolated, until when, and what is said of it."""

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner, Result

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.servers.hack import ROOT, adopt_tools
from merchantroute_kit.waiting import until
from merchantroute_operator.spec.sections.isolation_by_hand import parse_by_hand
from merchantroute_worker.cli.addresses import Route
from merchantroute_worker.cli.by_hand import GROUPS_HELD, HELD, ISOLATED
from merchantroute_worker.cli.kubectl import Kubectl
from merchantroute_worker.cli.main import main

KINDS = {"merchantroute": "merchantroutes", "merchant": "merchants"}
API = "/apis/merchantroute.dev/v1alpha1/namespaces/orders"
ENTRY = {"id": "burger-barn", "tier": "standard", "endpoint": "https://pos.example"}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """One with both kinds and a namespace, and no operator."""
    adopt_tools()
    with api_server() as made:
        for file, plural in KINDS.items():
            definition = yaml.safe_load((ROOT / "crds" / f"{file}.yaml").read_text())
            name = definition["metadata"]["name"]
            made.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition)
            until(partial(_is_served, made, plural), f"{plural} are served", 60)
        made.call("POST", "/api/v1/namespaces", {"metadata": {"name": "orders"}})
        yield made


def _is_served(server: ApiServer, plural: str) -> bool:
    try:
        server.call("GET", f"{API}/{plural}")
    except HTTPError as error:
        if error.code not in (404, 429):  # 429: its storage is being initialised
            raise
        return False
    return True


class Person:
    """Somebody at a terminal, and the one route that they look after."""

    def __init__(self, server: ApiServer, kubeconfig: Path) -> None:
        self.server = server
        self.env = {"KUBECONFIG": str(kubeconfig), "MR_ROUTE": "orders/pos", "PATH": os.environ["PATH"]}

    def run(self, *arguments: str) -> Result:
        """`merchantroute merchant …`."""
        return CliRunner(env=self.env).invoke(main, ["merchant", *arguments], catch_exceptions=False)

    def ok(self, *arguments: str) -> Result:
        """The same, which must succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result

    def route(self) -> dict[str, Any]:
        """The route as it is stored."""
        found: dict[str, Any] = self.server.call("GET", f"{API}/merchantroutes/pos")
        return found

    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return self.route()["metadata"].get("annotations") or {}

    def status(self, **status: Any) -> None:
        """Write the status as the operator does."""
        body = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute", "metadata": {"name": "pos"}}
        self.server.apply(f"{API}/merchantroutes/pos/status", {**body, "status": {"observedGeneration": 1, **status}})


@pytest.fixture
def person(server: ApiServer) -> Iterator[Person]:
    """A route that lists burger-barn."""
    spec = {
        "broker": {"secretRef": {"name": "rabbitmq"}},
        "worker": {"image": "worker:1"},
        "defaultTier": "standard",
        "tiers": [{"name": "standard"}],
        "merchants": [ENTRY],
    }
    body = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute", "metadata": {"name": "pos"}}
    server.call("POST", f"{API}/merchantroutes", {**body, "spec": spec})
    yield Person(server, server.kubeconfig)
    server.call("DELETE", f"{API}/merchantroutes/pos")


def test_a_merchant_is_held_for_so_long_and_released(person: Person) -> None:
    told = person.ok("hold", "burger-barn", "--for", "30m")
    held = parse_by_hand(person.annotations())

    assert held.problems == ()
    assert list(held.held) == ["burger-barn"]
    end = json.loads(person.annotations()[HELD])["burger-barn"]
    assert (
        f"burger-barn of route orders/pos is held until {end}; `merchantroute merchant release` ends it" in told.stdout
    )
    assert told.stderr == ""

    assert "burger-barn of route orders/pos is released" in person.ok("release", "burger-barn").stdout
    assert HELD not in person.annotations()
    assert "neither held nor isolated by hand: nothing to do" in person.ok("release", "burger-barn").stdout


def test_the_last_word_counts_and_other_annotations_stay(person: Person) -> None:
    body = {"metadata": {"annotations": {"team": "payments", "merchantroute.dev/paused-until": "2020-01-01T00:00:00Z"}}}
    person.server.call("PATCH", f"{API}/merchantroutes/pos", body, "application/merge-patch+json")
    person.ok("hold", "burger-barn", "--for", "30m")
    person.ok("isolate", "burger-barn", "--for", "2h")

    assert set(person.annotations()) == {"team", "merchantroute.dev/paused-until", ISOLATED}
    assert list(parse_by_hand(person.annotations()).isolated) == ["burger-barn"]


def test_an_id_of_any_characters_goes_there_and_back(person: Person) -> None:
    hostile = """寿司 №7 = "a\\b" $HOME `id` 'x', -"""
    told = person.ok("isolate", "--for", "1h", "--", hostile)

    assert list(parse_by_hand(person.annotations()).isolated) == [hostile]
    assert "lists no merchant" in told.stderr
    person.ok("release", "--", hostile)
    assert person.annotations() == {}


def test_a_merchant_that_the_route_does_not_know_is_doubted(person: Person) -> None:
    assert (
        "the route lists no merchant burger-ban, and no Merchant of it has"
        in person.ok("hold", "burger-ban", "--for", "1m").stderr
    )

    spec = {"routeRef": {"name": "pos"}, "tier": "standard", "endpoint": "https://a.example"}
    body = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "Merchant"}
    person.server.call("POST", f"{API}/merchants", {**body, "metadata": {"name": "burger-ban"}, "spec": spec})
    assert person.ok("hold", "burger-ban", "--for", "1m").stderr == ""


def test_it_says_that_nothing_happens_while_isolation_is_off(person: Person) -> None:
    body = {"spec": {"isolation": {"mode": "Off"}}}
    person.server.call("PATCH", f"{API}/merchantroutes/pos", body, "application/merge-patch+json")

    told = person.ok("hold", "burger-barn", "--for", "1m")
    assert "spec.isolation.mode of the route is Off: nothing happens until it is Automatic" in told.stderr


def test_two_people_at_once_lose_neither_s_word(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another is held between this one's reading and writing; the second try sees it."""
    read = Kubectl.route
    between = iter([True])

    def route(kubectl: Kubectl, where: Route) -> dict[str, Any]:
        found = read(kubectl, where)
        if next(between, False):
            text = json.dumps({"taco": "2099-01-01T00:00:00Z"})
            body = {"metadata": {"annotations": {HELD: text}}}
            person.server.call("PATCH", f"{API}/merchantroutes/pos", body, "application/merge-patch+json")
        return found

    monkeypatch.setattr(Kubectl, "route", route)
    person.ok("hold", "burger-barn", "--for", "30m")
    assert set(parse_by_hand(person.annotations()).held) == {"taco", "burger-barn"}


def test_the_list_shows_what_the_operator_wrote_and_what_was_asked(person: Person) -> None:
    assert person.ok("list").stdout == "0 own queues of route orders/pos\n"
    own = {
        "merchant": "burger-barn", "tier": "standard", "why": "Slow", "stage": "Open", "share": 4, "hold": 60,
        "since": "2026-01-01T00:00:00Z", "waiting": 812,
    }  # fmt: skip
    person.status(ownQueues=[own])
    person.ok("isolate", "burger-barn", "--for", "2h")

    head, row, _, last = person.ok("list").stdout.splitlines()
    assert head.split() == ["MERCHANT", "TIER", "WHY", "STAGE", "SHARE", "RATE", "WAITING", "SINCE", "BY", "HAND"]
    assert row.split()[:7] == ["burger-barn", "standard", "Slow", "Open", "4", "-", "812"]
    assert "isolated until 2" in row
    assert last == "1 own queue of route orders/pos"
    [line] = person.ok("list", "--json").stdout.splitlines()
    assert own.items() <= json.loads(line).items()


def test_a_route_that_is_not_there_is_named(person: Person) -> None:
    told = person.run("list", "--route", "orders/nope")
    assert (told.exit_code, told.stderr) == (
        1,
        "Error: there is no route orders/nope: `kubectl get mr -A` lists those that are\n",
    )


def test_a_group_is_held_for_so_long_and_released(person: Person) -> None:
    host = urlsplit(ENTRY["endpoint"]).hostname or ""
    told = person.ok("hold", "--group", host, "--for", "10m")

    end = parse_by_hand(person.annotations())
    assert (list(end.held_groups), end.held, end.problems) == ([host], {}, ())
    until = json.loads(person.annotations()[GROUPS_HELD])[host]
    ends = f"`merchantroute merchant release --group {host}` ends it"
    said = f"group {host} of route orders/pos is held until {until}; {ends}\n"
    assert (told.stdout, told.stderr) == (said, "")
    assert f"group {host} is held until {until}" in person.ok("list").stdout

    assert f"group {host} of route orders/pos is released" in person.ok("release", "--group", host).stdout
    assert GROUPS_HELD not in person.annotations()
    assert "is not held by hand: nothing to do" in person.ok("release", "--group", host).stdout


def test_a_group_without_merchants_is_doubted_and_a_merchant_or_a_group_is_asked_for(person: Person) -> None:
    doubt = person.ok("hold", "--group", "nobody.example", "--for", "1m").stderr
    assert "no merchant of the route is in group nobody.example" in doubt
    for arguments in (("hold", "--for", "1m"), ("hold", "burger-barn", "--group", "x", "--for", "1m"), ("release",)):
        refused = person.run(*arguments)
        assert (refused.exit_code, "write either a MERCHANT or --group NAME" in refused.stderr) == (2, True)
