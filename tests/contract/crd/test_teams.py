"""The samples for teams that share a namespace: who may write what, and whose ids are whose, on a real API server."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.crd.routes import route
from tests.contract.crd.test_merchant_objects import merchant
from tests.harness.cluster import Kubectl

TEAMS = Path(__file__).parents[3] / "manifests" / "samples" / "teams"
IDS = "merchant-ids"
FOREIGN = "none of your teams'"
PATIENCE = 60.0  # seconds until the API server has seen new roles, and compiled a new policy

Json = dict[str, Any]


def documents(name: str, namespace: str) -> list[Json]:
    """The objects of a sample, in the test's namespace."""
    found: list[Json] = list(yaml.safe_load_all((TEAMS / name).read_text()))
    for each in found:
        if "namespace" in each["metadata"]:
            assert each["metadata"]["namespace"] == "orders"
            each["metadata"]["namespace"] = namespace
    return found


def listed(items: list[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "items": items}


class Person:
    """Somebody of these groups, by impersonation."""

    def __init__(self, kubectl: Kubectl, namespace: str, *groups: str) -> None:
        self._kubectl = kubectl
        self._namespace = namespace
        self._who = ("--as=ann", *(f"--as-group={group}" for group in (*groups, "system:authenticated")))

    def does(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl; nothing where it is let, else what the API server said."""
        try:
            self._kubectl("-n", self._namespace, *arguments, *self._who, stdin=stdin)
        except AssertionError as refusal:
            return str(refusal)
        return ""

    def applies(self, document: Json, *options: str) -> str:
        return self.does("apply", "--server-side", *options, "-f", "-", stdin=json.dumps(document))

    def would_keep(self, name: str) -> str:
        """What ``keeps`` would answer; nothing is stored."""
        return self.applies(merchant({"metadata.name": name}, self._namespace), "--dry-run=server")

    def keeps(self, name: str, **changes: str) -> str:
        """Apply a Merchant of this name."""
        told = {f"spec.{field}": value for field, value in changes.items()}
        return self.applies(merchant({"metadata.name": name, **told}, self._namespace))

    def may(self, verb: str, what: str, *more: str) -> bool:
        return self.does("auth", "can-i", verb, what, *more) == ""


class Teams:
    """The namespace of the sample, and its people."""

    def __init__(self, kubectl: Kubectl, namespace: str) -> None:
        self.kubectl, self.namespace = kubectl, namespace
        self.taco = Person(kubectl, namespace, "taco-team")
        self.burger = Person(kubectl, namespace, "burger-team")
        self.platform = Person(kubectl, namespace, "platform-team")

    def until(self, person: Person, verb: str, what: str) -> None:
        give_up = time.monotonic() + PATIENCE
        while not person.may(verb, what) and time.monotonic() < give_up:
            pass
        assert person.may(verb, what), (verb, what)


@pytest.fixture
def teams(definition: str, kubectl: Kubectl, namespace: str) -> Teams:
    """The roles of the sample, in force."""
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(listed(documents("roles.yaml", namespace))))
    found = Teams(kubectl, namespace)
    found.until(found.taco, "create", "merchants.merchantroute.dev")
    found.until(found.platform, "create", "merchantroutes.merchantroute.dev")
    return found


@pytest.fixture(scope="module")
def policy(definition: str, kubectl: Kubectl) -> Iterator[None]:
    """The policy of the sample and its binding, which hold nowhere until a namespace is labelled."""
    everywhere = [each for each in documents("merchant-ids.yaml", "") if "namespace" not in each["metadata"]]
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(listed(everywhere)))
    yield
    for each in everywhere:
        kubectl("delete", each["kind"], each["metadata"]["name"])


@pytest.fixture
def policed(teams: Teams, policy: None, kubectl: Kubectl, namespace: str) -> Teams:
    """The policy in force in the test's namespace, with the sample's list."""
    own = [each for each in documents("merchant-ids.yaml", namespace) if "namespace" in each["metadata"]]
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(listed(own)))
    kubectl("label", "namespace", namespace, "merchantroute.dev/teams=true")
    give_up = time.monotonic() + PATIENCE
    while FOREIGN not in teams.taco.would_keep("nobodys") and time.monotonic() < give_up:
        pass
    assert FOREIGN in teams.taco.would_keep("nobodys")
    return teams


def test_the_platform_team_writes_the_route_and_reads_no_secret(teams: Teams) -> None:
    assert teams.platform.applies(route({"metadata.namespace": teams.namespace})) == ""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "broker"}, "stringData": {"password": "p"}}
    assert teams.platform.applies(secret) == ""
    assert not teams.platform.may("get", "secrets")
    assert not teams.platform.may("create", "pods")
    assert not teams.platform.may("patch", "merchantroutes.merchantroute.dev", "--subresource=status")


def test_a_team_writes_merchants_sees_the_route_and_reaches_nothing_else(teams: Teams) -> None:
    assert teams.platform.applies(route({"metadata.namespace": teams.namespace})) == ""
    assert teams.taco.keeps("taco-town") == ""
    assert teams.taco.does("get", "merchantroutes.merchantroute.dev", "pos") == ""
    refusal = teams.taco.applies(route({"metadata.namespace": teams.namespace, "spec.worker.image": "theirs:1"}))
    assert 'User "ann" cannot patch resource "merchantroutes"' in refusal
    for verb, what in (
        ("create", "merchantroutes.merchantroute.dev"),
        ("get", "secrets"),
        ("create", "secrets"),
        ("get", "secrets/broker"),
        ("create", "pods"),
        ("create", "deployments.apps"),
        ("patch", "configmaps/merchant-ids"),
    ):
        assert not teams.taco.may(verb, what), (verb, what)
    assert not teams.taco.may("patch", "merchants.merchantroute.dev", "--subresource=status")


def test_a_teams_own_credentials_are_its_alone(teams: Teams) -> None:
    assert teams.taco.may("patch", "secrets/taco-town-pos")
    assert not teams.burger.may("patch", "secrets/taco-town-pos")
    assert not teams.burger.may("get", "secrets/taco-town-pos")


def test_an_id_is_its_teams_by_its_beginning(policed: Teams) -> None:
    assert policed.taco.keeps("taco-town") == ""
    assert policed.burger.keeps("burger-hut") == ""
    assert policed.taco.keeps("ramen-row") == ""
    assert policed.burger.keeps("ramen-row", tier="enterprise") == ""  # whose prefix is both teams'
    refusal = policed.taco.keeps("burger-king")
    assert "merchant id 'burger-king' is none of your teams'" in refusal
    assert f"ConfigMap {IDS} of namespace {policed.namespace} says" in refusal
    assert FOREIGN in policed.taco.keeps("tacoma")
    assert FOREIGN in policed.taco.keeps("unlisted")


def test_the_id_counts_and_not_the_objects_name(policed: Teams) -> None:
    assert "merchant id 'burger-hut' is none" in policed.taco.keeps("taco-town", id="burger-hut")
    assert policed.taco.keeps("anything", id="taco-№1") == ""


def test_nobody_takes_over_changes_or_deletes_another_teams_merchant(policed: Teams) -> None:
    assert policed.burger.keeps("burger-hut") == ""
    assert "merchant id 'burger-hut' is none" in policed.taco.keeps("burger-hut", endpoint="https://taco.example")
    assert "merchant id 'burger-hut' is none" in policed.taco.keeps("burger-hut", id="taco-town")
    assert "merchant id 'burger-hut' is none" in policed.taco.does("delete", "merchant", "burger-hut")
    assert policed.taco.keeps("taco-town") == ""
    assert "merchant id 'burger-2' is none" in policed.taco.keeps("taco-town", id="burger-2")
    assert policed.taco.does("delete", "merchant", "taco-town") == ""


def test_who_keeps_the_route_is_not_held_to_it(policed: Teams) -> None:
    assert policed.platform.keeps("unlisted") == ""
    assert policed.platform.does("delete", "merchant", "unlisted") == ""


def test_without_a_list_nobody_may_and_elsewhere_everybody(policed: Teams) -> None:
    policed.kubectl("-n", policed.namespace, "delete", "configmap", IDS)
    give_up = time.monotonic() + PATIENCE
    while (refusal := policed.taco.keeps("taco-town")) == "" and time.monotonic() < give_up:
        pass
    assert "taco-town" in refusal
    policed.kubectl("label", "namespace", policed.namespace, "merchantroute.dev/teams-")
    while policed.taco.keeps("burger-hut") and time.monotonic() < give_up:
        pass
    assert policed.taco.keeps("burger-hut") == ""
