"""The newest pulse of every pod, as the pulse listeners deliver them."""

from __future__ import annotations

from collections.abc import Callable

from merchantroute_operator.scaling.model import Pulse

FORGET_AFTER = 60.0  # seconds of silence: thirty pulses


class PulseBoard:
    """Pulses by pod; a pod's newer pulse replaces its older one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pulses: dict[tuple[str, str], Pulse] = {}

    def put(self, pulse: Pulse) -> None:
        """Take a pulse in."""
        self._pulses[pulse.namespace, pulse.pod] = pulse

    def of(self, namespace: str, route: str) -> tuple[Pulse, ...]:
        """The route's pods' pulses, those of the last minute."""
        oldest = self._clock() - FORGET_AFTER
        self._pulses = {pod: pulse for pod, pulse in self._pulses.items() if pulse.at >= oldest}
        return tuple(p for p in self._pulses.values() if p.namespace == namespace and p.route == route)
