"""What the cluster's admission (mutating webhooks and policies) makes of a route's objects: as wanted, and no drift."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.metadata import canonical, digest


@dataclass(slots=True)
class Admitted:
    """Digests of what was applied and of what came of it, for objects of which the two differ.

    Lost with the process, which therefore applies such an object once more.
    """

    _found: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # by kind and name

    def note(self, body: Object, stored: Object) -> None:
        """``body`` was applied, and the API server answered with ``stored``."""
        self._found.pop(_key(body), None)
        if differs(body, stored):
            self._found[_key(body)] = digest(canonical(body)), _digest(stored)

    def forget(self, kind: str, name: str) -> None:
        """The object is gone."""
        self._found.pop((kind, name), None)

    def made(self, live: Object) -> bool:
        """Whether ``live`` is as admission left what was applied last, so that nobody has changed it since."""
        return _key(live) in self._found and self._found[_key(live)][1] == _digest(live)

    def covers(self, body: Object, live: Object) -> bool:
        """Whether to apply ``body`` again would bring nothing but ``live``, which is what came of it."""
        return self.made(live) and self._found[_key(live)][0] == digest(canonical(body))


def _key(body: Object) -> tuple[str, str]:
    return body.get("kind", ""), body["metadata"]["name"]


def _digest(body: Object) -> str:
    """Of neither the status nor what controllers write, nor the number of pods."""
    spec = {key: value for key, value in body.get("spec", {}).items() if key != "replicas"}
    return digest(canonical([spec, body.get("data"), body["metadata"].get("labels")]))
