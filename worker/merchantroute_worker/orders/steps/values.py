"""The values that a step's request is filled in with: of the order, of its merchant, and captured from answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from merchantroute_worker.orders.steps.json_text import NotJson, read_json
from merchantroute_worker.orders.steps.pointer import MISSING, Pointer, follow

NO_VALUES: Mapping[str, Any] = {}


class RequestNotBuilt(ValueError):
    """The order has no such request: a value is missing, or cannot stand where it should. The text says which one, by
    its name and never by its value.
    """


class Variable(NamedTuple):
    """A place for a value: `kind` is order_id, merchant, order, field or capture; `name` as it was written."""

    kind: str
    name: str
    pointer: Pointer = ()
    optional: bool = False
    """Written with a `?`: without the value, what holds it is left out."""


class Values:
    """Looks up the values of one order. The order is parsed when the first variable asks for a part of it."""

    def __init__(
        self,
        *,
        order_id: str,
        merchant: str,
        payload: bytes,
        fields: Mapping[str, Any] = NO_VALUES,
        captured: Mapping[str, Any] = NO_VALUES,
    ) -> None:
        self._ids = {"order_id": order_id, "merchant": merchant}
        self._payload = payload
        self._order: Any = MISSING
        self.fields = fields
        self.captured = captured

    def find(self, variable: Variable) -> Any:
        """The variable's value; MISSING where there is none. RequestNotBuilt when the order is no JSON."""
        if variable.kind == "capture":
            return self.captured.get(variable.name, MISSING)
        if variable.kind == "field":
            return self.fields.get(variable.name, MISSING)
        if variable.kind == "order":
            return follow(self._document(), variable.pointer)
        return self._ids[variable.kind]

    def _document(self) -> Any:
        if self._order is MISSING:
            try:
                self._order = read_json(self._payload)
            except NotJson as error:
                raise RequestNotBuilt(f"the order cannot be read: {error}") from None
        return self._order
