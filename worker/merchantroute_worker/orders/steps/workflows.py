"""What merchants say of their steps: a workflow of the route by its name, and fields for its templates."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from merchantroute_worker.orders.steps.values import NO_VALUES


class MerchantSteps(NamedTuple):
    """A merchant's workflow, None for the route's own steps, and its fields."""

    workflow: str | None = None
    fields: Mapping[str, Any] = NO_VALUES


def parse_own_steps(
    documents: Sequence[Mapping[str, Any]], workflows: Collection[str]
) -> tuple[dict[str, MerchantSteps], dict[str, str]]:
    """What the merchants of all documents say, and of those whose orders cannot be worked why."""
    parsed: dict[str, MerchantSteps] = {}
    failed: dict[str, str] = {}
    for document in documents:
        for merchant, entry in document["merchants"].items():
            if not isinstance(entry, dict) or not ("workflow" in entry or "fields" in entry):
                continue
            workflow, fields = entry.get("workflow"), entry.get("fields", {})
            if workflow is not None and workflow not in workflows:
                failed[merchant] = f"the route has no workflow {workflow!r}"
            elif not isinstance(fields, dict):
                failed[merchant] = "its fields are no object"
            else:
                parsed[merchant] = MerchantSteps(workflow, fields)
    return parsed, failed
