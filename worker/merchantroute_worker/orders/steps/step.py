"""A step, one call of an order, as the route's file and orders' journals write it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from merchantroute_worker.orders.steps.json_text import write_json
from merchantroute_worker.orders.steps.shape import Shape, parse_shape

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call of an order. The path may contain variables: `{order_id}` and `{merchant}`, with a `shape` also others.

    `verify` is the call that asks the merchant whether it has executed this step, for when that is unknown; it is named
    `<name>.verify`, since no step's own name contains a dot. `shape` is None where method and path say everything.
    """

    name: str
    method: str
    path: str
    verify: "Step | None" = None
    shape: Shape | None = None
    source: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """The document of a step with a shape: journals carry it as it was written."""

    def as_json(self) -> dict[str, Any]:
        """The step as a JSON document, for the route's file and for journals."""
        if self.source is not None:
            return dict(self.source)
        own = {"name": self.name, "method": self.method, "path": self.path}
        asks = self.verify
        return own if asks is None else {**own, "verify": {"method": asks.method, "path": asks.path}}


def parse_step(document: Mapping[str, Any]) -> Step:
    """Parse a step of the route, or of an order's journal. One with a `request` is of the longer form, which workers
    that do not know it refuse: they would make another call.
    """
    shaped = "request" in document
    step = _call(document["name"], document["request"] if shaped else document)
    asks = document.get("verify")
    if not shaped:
        return step if asks is None else replace(step, verify=_call(f"{document['name']}.verify", asks))
    write_json(document)  # what a journal could not hold is refused here
    shape = parse_shape(document)
    if asks is not None:
        verify = _call(f"{document['name']}.verify", asks)
        capture = asks.get("capture", document.get("capture", {}))
        asked = replace(parse_shape({"request": asks, "capture": capture}), answers=shape.answers)
        step = replace(step, verify=replace(verify, shape=replace(asked, call_timeout=shape.call_timeout)))
    return replace(step, shape=shape, source=document)


def _call(name: Any, document: Mapping[str, Any]) -> Step:
    step = Step(name=name, method=document["method"], path=document["path"])
    texts: tuple[Any, ...] = (step.name, step.method, step.path)
    if not all(isinstance(text, str) and text.isprintable() and text for text in texts):
        raise ValueError(f"a step needs a name, a method and a path, got {document!r}")
    if step.method not in METHODS:
        raise ValueError(f"a step's method is one of {', '.join(METHODS)}, not {step.method!r}")
    if not step.path.startswith("/"):
        raise ValueError(f"a step's path begins with a slash, got {step.path!r}")
    return step
