"""`kubectl delete -k manifests/base` with a route there, as a user does it who has not read on; and the way on."""

import logging

import pytest

from merchantroute_kit.servers.hack import ROOT
from merchantroute_kit.waiting import until
from tests.e2e.installation import Installation
from tests.e2e.installing.fresh import DEFINITIONS, SYSTEM, Fresh
from tests.e2e.installing.left import ALLOWED, definitions, left
from tests.e2e.installing.minimal import Minimal
from tests.e2e.installing.versions import Version

logger = logging.getLogger(__name__)
BASE = str(ROOT / "manifests" / "base")
ENDING = 300.0
ROUTES = "customresourcedefinition.apiextensions.k8s.io/merchantroutes.merchantroute.dev"


@pytest.fixture
def route(fresh: Fresh, newest: Version, installation: Installation) -> Minimal:
    """The operator as this checkout installs it, and a route whose orders flow."""
    fresh.install(newest)
    made = Minimal(fresh, installation)
    made.apply(newest.worker)
    made.ready()
    made.publish("before")
    made.done("before")
    return made


@pytest.mark.extended  # tests/contract/chart/test_uninstalling.py shows the refusal, on an API server without nodes
def test_delete_in_the_natural_order_keeps_the_routes_and_says_the_way_on(
    fresh: Fresh, newest: Version, route: Minimal
) -> None:
    pods = route.pods()
    with pytest.raises(AssertionError) as refused:
        fresh.kubectl("delete", "-k", BASE, within=ENDING)
    said = str(refused.value)
    logger.info("%s", said)
    for name in DEFINITIONS:
        assert f"kubectl annotate crd {name} {ALLOWED}" in said
    until(lambda: {*left(fresh)} == definitions(), "the definitions are all that is left", 120, lambda: left(fresh))
    assert not route.is_ending()
    route.publish("without-operator")
    route.done("without-operator")
    assert route.pods() == pods

    _as_the_page_says(fresh, newest, route)


@pytest.mark.extended  # what it leaves is seen with controllers only
def test_who_deletes_a_second_time_gets_out_of_it_by_installing_it_again(
    fresh: Fresh, newest: Version, route: Minimal
) -> None:
    """The first time takes what refuses as well, the second the definitions; and nobody is there to end a route."""
    for _ in range(2):
        fresh.kubectl("delete", "-k", BASE, "--wait=false", "--ignore-not-found", check=False, within=ENDING)
        until(lambda: f"namespace/{SYSTEM}" not in left(fresh), "the operator's namespace is gone", 120)
    assert route.is_ending()

    fresh.install(newest)

    # The definition of Merchants had nothing to wait for: it went, and was made anew.
    until(lambda: definitions() - {*left(fresh)} == {ROUTES}, "the route has ended, and its definition with it", 180)
    until(lambda: not route.pods(), "the workers' pods are gone", 120)
    fresh.kubectl("annotate", "crd", "merchants.merchantroute.dev", ALLOWED)
    fresh.kubectl("delete", "-k", BASE, "--ignore-not-found", within=ENDING)
    assert left(fresh) == []


def _as_the_page_says(fresh: Fresh, newest: Version, route: Minimal) -> None:
    fresh.install(newest)
    fresh.kubectl("delete", "mr", "--all", "-A", within=400)
    assert not route.is_there()
    fresh.kubectl("annotate", "crd", *DEFINITIONS, ALLOWED)
    fresh.kubectl("delete", "-k", BASE, within=ENDING)
    assert left(fresh) == []
    until(lambda: not route.pods(), "the workers' pods are gone", 120)
