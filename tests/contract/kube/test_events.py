"""Events show in ``kubectl describe``; what repeats is counted up, and none of it ever breaks a pass."""

import json
from typing import Any

import pytest

from merchantroute_operator.kube import events
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Object
from tests.harness.cluster import Kubectl


def stored(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("-n", namespace, "get", "events", "-o", "json"))["items"]
    return sorted(found, key=lambda event: event["reason"])


async def test_an_event_shows_in_the_routes_description(
    kube: KubeClient, route: Object, namespace: str, definition: str, kubectl: Kubectl
) -> None:
    await kube.event(route, "Warning", "BrokerUnreachable", "the broker does not answer")

    described = kubectl("-n", namespace, "describe", definition, "pos")

    line = next(line for line in described.splitlines() if "BrokerUnreachable" in line)
    assert line.split()[0] == "Warning"
    assert "merchantroute " in line
    assert line.endswith("the broker does not answer")


async def test_what_repeats_is_one_event_that_counts(
    kube: KubeClient, route: Object, namespace: str, kubectl: Kubectl
) -> None:
    for _ in range(3):
        await kube.event(route, "Normal", "Scaled", "from 1 to 3")
    await kube.event(route, "Normal", "Shrunk", "from 3 to 1")

    assert [(e["reason"], e["count"]) for e in stored(kubectl, namespace)] == [("Scaled", 3), ("Shrunk", 1)]


async def test_an_event_that_the_api_server_forgot_is_told_anew(
    kube: KubeClient, route: Object, namespace: str, kubectl: Kubectl
) -> None:
    await kube.event(route, "Normal", "Scaled", "from 1 to 3")
    kubectl("-n", namespace, "delete", "events", "--all")

    await kube.event(route, "Normal", "Scaled", "from 1 to 3")

    assert [e["count"] for e in stored(kubectl, namespace)] == [1]


async def test_memory_is_bounded(
    kube: KubeClient, route: Object, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "REMEMBERED", 2)
    for reason in ("A", "B", "C", "A", "C"):
        await kube.event(route, "Normal", reason, "")

    # A was forgotten when C came, so it is posted again; C is remembered.
    assert [(e["reason"], e["count"]) for e in stored(kubectl, namespace)] == [("A", 1), ("A", 1), ("B", 1), ("C", 2)]


async def test_a_message_of_any_length_is_taken(
    kube: KubeClient, route: Object, namespace: str, kubectl: Kubectl
) -> None:
    await kube.event(route, "Warning", "Long", "ü" * 5000)
    (event,) = stored(kubectl, namespace)
    assert event["message"].endswith("ü…")


async def test_an_event_about_a_route_in_no_namespace_breaks_nothing(kube: KubeClient, route: Object) -> None:
    gone = {**route, "metadata": {**route["metadata"], "namespace": "no-such-namespace"}}
    await kube.event(gone, "Warning", "Gone", "nobody reads this")
