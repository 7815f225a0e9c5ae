"""Versions of operator and worker that one cluster can have at the same time: this checkout's, and former ones."""

import re
from dataclasses import dataclass
from pathlib import Path

from merchantroute_kit.servers.hack import ROOT, hack
from tests.harness.cluster import Kubectl

BUILDING = 1500.0  # seconds; cold, wheels are downloaded
IMAGE = re.compile(r"image: merchantroute-operator:\S+")


@dataclass(frozen=True)
class Former:
    """A line of hack/former-versions. ``replaced`` is whether an upgrade from it replaces the workers' pods."""

    name: str
    commit: str
    replaced: bool


@dataclass(frozen=True)
class Version:
    """A version as it is installed: the folder of its files, and its two images, whose tags are their contents'."""

    checkout: Path
    operator: str
    worker: str

    def manifests(self, kubectl: Kubectl) -> str:
        """What its manifests/base installs, with its own image."""
        text = kubectl("kustomize", str(self.checkout / "manifests" / "base"))
        assert IMAGE.search(text), "manifests/base names the operator's image"
        return IMAGE.sub(f"image: {self.operator}", text)


def formers() -> list[Former]:
    """Every version that an upgrade is tested from."""
    lines = (ROOT / "hack" / "former-versions").read_text().splitlines()
    words = (line.split() for line in lines if line and not line.startswith("#"))
    return [Former(name, commit, {"replaced": True, "kept": False}[pods]) for name, commit, pods in words]


def built(*commit: str) -> Version:
    """The images of a commit, or of this checkout, built where they are not there yet."""
    said = dict(line.split(maxsplit=1) for line in hack("version-images", *commit, within=BUILDING).splitlines())
    return Version(Path(said["checkout"]), said["operator"], said["worker"])
