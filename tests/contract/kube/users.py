"""Kubeconfigs of service accounts, whose rights are what a test gives them."""

from pathlib import Path

import yaml

from tests.harness.cluster import Kubectl


def kubeconfig_of(cluster: Path, kubectl: Kubectl, namespace: str, name: str, folder: Path) -> Path:
    """A kubeconfig of service account ``name``, which is made where it is not there."""
    if not kubectl("-n", namespace, "get", "serviceaccount", name, "--ignore-not-found"):
        kubectl("-n", namespace, "create", "serviceaccount", name)
    config = yaml.safe_load(cluster.read_text())
    config["users"][0]["user"] = {"token": kubectl("-n", namespace, "create", "token", name).strip()}
    path = folder / f"kubeconfig-{name}"
    path.write_text(yaml.safe_dump(config))
    return path
