"""A route's objects as the last reconcile left them: what differs later was changed by somebody else."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.lane_users.broker_user import BrokerUser
from merchantroute_operator.reconcile.state.admitted import Admitted
from merchantroute_operator.topology.objects import Topology

_KindAndName = tuple[str, str]


@dataclass(slots=True)
class Seen:
    """Lost with the process, whose first reconcile of a route therefore repairs without saying so.

    Objects are kept packed: a route has dozens, which are looked at only when one of them is written.
    """

    packed: dict[_KindAndName, bytes] = field(default_factory=dict)  # the fields that count
    versions: dict[_KindAndName, str] = field(default_factory=dict)  # the resourceVersion last read or written
    topology: Topology | None = None
    users: Mapping[str, BrokerUser] | None = None  # of the route's lanes; None: unknown, or not asked for
    admitted: Admitted = field(default_factory=Admitted)

    def remember(self, key: _KindAndName, body: Object) -> None:
        """The object is as the reconcile wants it."""
        self.packed[key] = zlib.compress(json.dumps(_what_counts(body)).encode(), 1)

    def recall(self, key: _KindAndName) -> Object | None:
        """The fields that count of what was remembered."""
        packed = self.packed.get(key)
        found: Object | None = None if packed is None else json.loads(zlib.decompress(packed))
        return found

    def forget(self, key: _KindAndName) -> None:
        """The object is gone by our own doing."""
        self.packed.pop(key, None)
        self.versions.pop(key, None)

    def note_version(self, key: _KindAndName, body: Mapping[str, Any]) -> None:
        """The reconcile has read or written the object as it is in ``body``."""
        if version := body["metadata"].get("resourceVersion"):
            self.versions[key] = version

    def knows(self, key: _KindAndName, body: Mapping[str, Any]) -> bool:
        """Whether this is what the last reconcile read or wrote itself."""
        version = body["metadata"].get("resourceVersion")
        return version is not None and self.versions.get(key) == version


def _what_counts(body: Object) -> Object:
    """Neither the status nor what controllers write, nor the number of pods."""
    spec = {"spec": {key: value for key, value in body["spec"].items() if key != "replicas"}} if "spec" in body else {}
    rest = {key: body[key] for key in ("data",) if key in body}
    labels = body["metadata"].get("labels", {})
    return {**spec, **rest, "metadata": {"labels": labels}}
