"""The workflows parse, do what they say, and may do no more than they need."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.tracked import ROOT, named

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    """Parse a workflow; YAML reads its key `on` as True."""
    parsed: dict[Any, Any] = yaml.safe_load(path.read_text())
    return parsed


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """The steps of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one_for_changes_and_one_for_releases() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_it_may_read_and_no_more_unless_a_job_says_so(path: Path) -> None:
    workflow = read(path)

    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    assert all("@" in step["uses"] for step in steps(workflow) if "uses" in step)


def test_changes_pass_the_same_script_as_everywhere() -> None:
    ci = read(ROOT / ".github" / "workflows" / "ci.yml")

    assert [step["run"] for step in steps(ci) if "run" in step] == ["bash .ci/run"]


def test_a_release_has_both_architectures_an_sbom_provenance_and_one_file() -> None:
    release = read(ROOT / ".github" / "workflows" / "release.yml")
    build = next(step for step in steps(release) if step.get("uses", "").startswith("docker/build-push-action@"))

    assert release["jobs"]["images"]["strategy"]["matrix"]["arch"] == ["amd64", "arm64"]
    assert (build["with"]["sbom"], build["with"]["provenance"]) == (True, "mode=max")
    assert any("install-yaml" in step.get("run", "") for step in steps(release))


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=named)
def test_every_form_parses(form: Path) -> None:
    assert yaml.safe_load(form.read_text())
