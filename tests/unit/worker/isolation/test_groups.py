"""Merchants whose API is at one host are one group in a pod's pulse."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_worker.bulkhead.views import Activity
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.isolation.groups import GroupFigures, group_figures, group_of, host_of
from merchantroute_worker.orders.route import parse
from merchantroute_worker.outcomes.ack_batch import ImmediateAcks
from merchantroute_worker.pod import Pod
from merchantroute_worker.reporting import pulses
from tests.unit.worker.samples import INDEX, ROUTE, route

SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "schema/pulse.json").read_text())
WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://POS.Vendor.example/v1/{merchant}", "pos.vendor.example"),
        ("https://pos.vendor.example.:8443", "pos.vendor.example"),
        ("http://[2001:DB8::1]:8080/v1", "2001:db8::1"),
        ("http://10.0.0.1:81", "10.0.0.1"),
        ("nothing", ""),
    ],
)
def test_the_host_of_an_endpoint(endpoint: str, host: str) -> None:
    assert host_of(endpoint) == host


def test_groups_of_several_are_counted_the_largest_first() -> None:
    hosts = {"a": "x", "b": "x", "c": "y", "d": "y", "e": "y", "f": "z", "g": None}
    slow, well = Activity(slow=True, well=False), Activity(slow=False, well=True)
    active = dict.fromkeys(hosts, Activity(slow=False, well=False)) | {"a": slow, "b": well, "d": slow, "e": slow}

    found = group_figures(active, hosts.get, 2)

    assert list(found.items()) == [("y", GroupFigures(3, 2, 0)), ("x", GroupFigures(2, 1, 1))]
    assert list(group_figures(active, hosts.get, 1)) == ["y"]


def test_who_is_not_listed_is_at_the_default_endpoint() -> None:
    assert [group_of(route(), merchant) for merchant in ("bistro", "cafe")] == ["bistro.example", None]
    assert group_of(route(defaultEndpoint="https://gate.example/{merchant}"), "cafe") == "gate.example"


def test_a_group_that_is_written_counts_and_what_is_no_name_is_none() -> None:
    where = {"tier": "standard", "endpoint": "https://pos.example"}
    wrong: list[Any] = ["", 7, None, ["vendor"]]
    listed = {f"m{place}": {**where, "group": group} for place, group in enumerate(wrong)}
    document = {"v": 1, "merchants": {**listed, "hut": {**where, "group": "vendor"}}}

    found = parse(index=INDEX, route=ROUTE, merchants=[document], credentials=[])

    assert {merchant: group_of(found, merchant) for merchant in found.merchants} == {
        **dict.fromkeys(listed, "pos.example"),
        "hut": "vendor",
    }


def test_a_pulse_names_the_groups_of_its_merchants_and_nothing_without_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    endpoints = {"a": "vendor", "b": "vendor", "c": "vendor", "alone": "alone"}
    listed = {name: {"tier": "standard", "endpoint": f"https://{host}.example"} for name, host in endpoints.items()}
    monkeypatch.setattr(
        pod.files, "_configuration",
        parse(index=INDEX, route=ROUTE, merchants=[{"v": 1, "merchants": listed}], credentials=[]),
    )  # fmt: skip
    assert "groups" not in pulses.document(pod)
    now = pod.clock.now()
    for merchant, since in (("a", now - 1_000), ("b", now - 1_000), ("c", now), ("alone", now - 1_000)):
        pod.bulkhead.acquire(merchant, merchant, since)
    pod.bulkhead.answered("c", now, 0.1, step="submit")

    pulse = pulses.document(pod)

    jsonschema.validate(pulse, SCHEMA)
    assert pulse["groups"] == [{"group": "vendor.example", "active": 3, "slow": 2, "well": 1}]
    assert (pulse["active"], pulse["slowMerchants"]) == (4, 3)
    assert {one["merchant"]: one.get("group") for one in pulse["merchants"]} == {
        "a": "vendor.example",
        "b": "vendor.example",
        "alone": None,
    }
