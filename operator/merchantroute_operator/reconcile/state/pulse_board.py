"""The newest pulse of every pod, as the pulse listeners deliver them.

A pulse says itself whose it is, and whoever may write to the exchange can say anything. It counts for a route only if
the route has a pod of that name; what else comes in the route's name is kept for a moment, since a new pod's first
pulse may be here before the pod is known, and within a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from merchantroute_operator.scaling.model import Pulse

FORGET_AFTER = 60.0  # seconds of silence: thirty pulses
MOST_UNKNOWN = 64  # pods of one route that are not known yet
Key = tuple[str, str]


@dataclass(slots=True)
class _OfRoute:
    pods: set[str] = field(default_factory=set)  # those that Kubernetes has
    pulses: dict[str, Pulse] = field(default_factory=dict)  # by pod
    unknown: dict[str, Pulse] = field(default_factory=dict)  # of pods that Kubernetes has not shown


class PulseBoard:
    """Pulses by route (its namespace and name) and pod; a pod's newer pulse replaces its older one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._routes: dict[Key, _OfRoute] = {}

    def put(self, pulse: Pulse) -> None:
        """Take a pulse in. Of pods that are not known, only so many: the first that came."""
        mine = self._routes.setdefault((pulse.namespace, pulse.route), _OfRoute())
        if pulse.pod in mine.pods:
            mine.pulses[pulse.pod] = pulse
            return
        if pulse.pod not in mine.unknown and len(mine.unknown) >= MOST_UNKNOWN:
            mine.unknown = self._fresh(mine.unknown)
            if len(mine.unknown) >= MOST_UNKNOWN:
                return
        mine.unknown[pulse.pod] = pulse

    def know(self, route: Key, pods: Iterable[str]) -> None:
        """These are all the pods that the route has."""
        mine = self._routes.setdefault(route, _OfRoute())
        mine.pods = set(pods)
        everything = {**mine.unknown, **mine.pulses}
        mine.pulses = {pod: pulse for pod, pulse in everything.items() if pod in mine.pods}
        mine.unknown = {pod: pulse for pod, pulse in mine.unknown.items() if pod not in mine.pods}

    def know_pod(self, route: Key, pod: str, *, gone: bool) -> None:
        """The route has this pod, too, or no longer."""
        pods = self._routes[route].pods if route in self._routes else set()
        self.know(route, pods - {pod} if gone else pods | {pod})

    def forget(self, route: Key) -> None:
        """The route is gone, and with it all that was said in its name."""
        self._routes.pop(route, None)

    def of(self, namespace: str, route: str) -> tuple[Pulse, ...]:
        """The route's pods' pulses, those of the last minute."""
        mine = self._routes.get((namespace, route))
        if mine is None:
            return ()
        mine.pulses = self._fresh(mine.pulses)
        return tuple(mine.pulses.values())

    def _fresh(self, pulses: dict[str, Pulse]) -> dict[str, Pulse]:
        oldest = self._clock() - FORGET_AFTER
        return {pod: pulse for pod, pulse in pulses.items() if pulse.at >= oldest}
