"""An upgrade of the operator leaves pods alone, unless it says that it does not: another template is a rollout."""

import json
import re
from pathlib import Path
from typing import Any

from merchantroute_operator.resources.workload.deployment import deployment
from tests.unit.operator.route_samples import a_route

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
FORMER = "0.1.0"
CLUSTER = "3f8a2c1e"  # as the former version's template was rendered
WORDS = "pods are replaced once"


def template() -> dict[str, Any]:
    """The pod template of a plain route's lane."""
    route = a_route()
    body: dict[str, Any] = deployment(route, route.tier("standard"), "stable", CLUSTER)
    found: dict[str, Any] = body["spec"]["template"]
    return found


def news() -> str:
    """What the changelog says since the former version, on one line."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    return " ".join(re.split(rf"^## \[{re.escape(FORMER)}\]", changelog, maxsplit=1, flags=re.MULTILINE)[0].split())


def test_the_changelog_says_whether_pods_of_the_former_version_are_replaced() -> None:
    """Where it fails: say so under "Changed", in these words, or keep the template as it was.

    With a release the file beside this one becomes the released version's template, and FORMER its number.
    """
    former = json.loads((HERE / f"pod_template_{FORMER}.json").read_text())

    assert (template() != former) == (WORDS in news())


def test_a_template_is_the_same_whenever_it_is_made() -> None:
    assert json.dumps(template()) == json.dumps(template())
