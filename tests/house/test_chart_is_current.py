"""The chart's templates are written from manifests/base, and its definitions are those of crds/."""

import subprocess
import sys
import tomllib

import yaml

from tests.house.tracked import ROOT

CHART = ROOT / "charts" / "merchantroute"


def test_the_charts_templates_are_as_manifests_base_asks_for() -> None:
    checked = subprocess.run([sys.executable, ROOT / "hack" / "chart", "--check"], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr


def test_the_charts_definitions_are_the_projects() -> None:
    ours = {path.name: path.read_text() for path in (ROOT / "crds").glob("*.yaml") if path.stem != "kustomization"}

    assert {path.name: path.read_text() for path in (CHART / "crds").iterdir()} == ours


def test_chart_and_manifests_have_the_projects_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert f"image: merchantroute-operator:{version}\n" in (ROOT / "manifests" / "base" / "operator.yaml").read_text()
