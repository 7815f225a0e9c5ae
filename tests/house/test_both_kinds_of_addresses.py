"""Nothing here is for IPv4 alone: clusters of every kind, and NetworkPolicies that open a way to the outside."""

import json
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.tracked import ROOT, named, tracked

CLUSTER = ROOT / "hack" / "cluster.d" / "definition"
BUILT = "merchantroute-node:v1.34-0"  # by hack/node-image.d
# Where kind takes pods' addresses from where its definition names none.
PODS = {"ipv6": ["fd00:10:244::/56"], "dual": ["10.244.0.0/16", "fd00:10:244::/56"]}
EVERYWHERE = {"0.0.0.0/0", "::/0"}


def definition(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([CLUSTER, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("family", PODS)
def test_a_node_that_is_built_here_has_a_network_of_the_clusters_addresses(family: str) -> None:
    told: dict[str, Any] = yaml.safe_load(definition(family, BUILT).stdout)
    assert told["networking"] == {"ipFamily": family}
    (mount,) = told["nodes"][0]["extraMounts"]
    ipam = json.loads(Path(mount["hostPath"]).read_text())["plugins"][0]["ipam"]
    subnets = [ip_network(each["subnet"]) for (each,) in ipam["ranges"]]
    assert all(a.subnet_of(ip_network(b)) for a, b in zip(subnets, PODS[family], strict=True))  # type: ignore[arg-type]
    assert len(ipam["routes"]) == len(subnets)


@pytest.mark.parametrize("family", ["ipv4", *PODS])
def test_kinds_own_node_image_brings_its_own_network(family: str) -> None:
    told = yaml.safe_load(definition(family, "kindest/node:v1.34.3").stdout)
    assert told["nodes"] == [{"role": "control-plane"}]


def test_a_family_that_kind_does_not_know_is_refused_in_words() -> None:
    ended = definition("ipv5", BUILT)
    assert ended.returncode != 0
    assert "ipv4, ipv6 or dual" in ended.stderr


def test_a_way_to_everywhere_is_one_to_both_kinds_of_addresses() -> None:
    found = [
        (named(path), {block["cidr"] for peer in rule.get("to", []) if (block := peer.get("ipBlock"))})
        for path in tracked(".yaml")
        if path.is_relative_to(ROOT / "manifests")
        for each in yaml.safe_load_all(path.read_text())
        if each and each.get("kind") == "NetworkPolicy"
        for rule in each["spec"].get("egress", [])
    ]
    assert any(cidrs & EVERYWHERE for _, cidrs in found), "the sample for the operator"
    assert [path for path, cidrs in found if cidrs & EVERYWHERE not in (set(), EVERYWHERE)] == []
