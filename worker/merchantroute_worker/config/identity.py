"""The pod's identity and settings from its environment: route, tier, lane, directories, time-outs.

Read once, at the start. Everything that may change while the pod runs is in mounted files (see files.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path

CONFIG_DIR = "/etc/merchantroute/config"
CREDENTIALS_DIR = "/etc/merchantroute/credentials"
BROKER_DIR = "/etc/merchantroute/broker"
STABLE, SUSPECT = "stable", "suspect"
UNNAMED_AFTER = 60.0
"""Seconds of the same configuration after which a pod that it does not name takes the operator to be away. One that is
there names a new pod within seconds, and the kubelet may take a minute to bring the files.
"""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Route, tier and lane of one pod, and its settings. Times are seconds; `grace` None means that it follows from the
    route's deadline. A hub that is blocked for `blocked_after` is reported; 0 means that it is not monitored. `events`
    sends Celery's task events. A pod that the operator has not named for `unnamed_after` works own queues all the same.
    """

    namespace: str
    route: str
    tier: str
    lane: str
    pod: str
    port: int
    config_dir: Path
    credentials_dir: Path
    broker_dir: Path
    completions: str | None
    grace: float | None
    unknown_after: float
    confirm_timeout: float
    blocked_after: float
    unnamed_after: float = UNNAMED_AFTER
    events: bool = False

    @cached_property
    def alone(self) -> bool:
        """Whether this is the suspect lane, which belongs to the route and not to a tier, and has one slot."""
        return self.lane == SUSPECT

    @cached_property
    def front_door(self) -> str:
        """The name of the exchange that producers publish to; those behind it begin with it and a dot."""
        return f"mr.{self.namespace}.{self.route}"

    @property
    def queue(self) -> str:
        """The name of the lane's queue, the same in operator and worker."""
        if self.alone:
            return f"{self.front_door}.{SUSPECT}"
        return f"{self.front_door}.{self.tier}.{self.lane}"

    @property
    def ladder(self) -> str:
        """The name of the headers exchange of the tier's ladder, the same in operator and worker."""
        return f"{self.front_door}.{self.tier}.retry"


def from_environment(environment: Mapping[str, str]) -> Identity:
    """Parse the pod's environment. ValueError names the variable at fault."""
    missing = [name for name in ("MR_NAMESPACE", "MR_ROUTE", "MR_TIER") if not environment.get(name)]
    if missing:
        raise ValueError(f"set {', '.join(missing)}: without them this worker does not know which lane is its own")
    grace = environment.get("MR_GRACE")
    return Identity(
        namespace=environment["MR_NAMESPACE"],
        route=environment["MR_ROUTE"],
        tier=environment["MR_TIER"],
        lane=environment.get("MR_LANE") or STABLE,
        pod=environment.get("MR_POD") or environment.get("HOSTNAME") or "worker",
        port=_port(environment),
        config_dir=Path(environment.get("MR_CONFIG_DIR") or CONFIG_DIR),
        credentials_dir=Path(environment.get("MR_CREDENTIALS_DIR") or CREDENTIALS_DIR),
        broker_dir=Path(environment.get("MR_BROKER_DIR") or BROKER_DIR),
        completions=environment.get("MR_COMPLETIONS") or None,
        grace=_number(environment, "MR_GRACE", grace) if grace else None,
        unknown_after=_number(environment, "MR_UNKNOWN_AFTER", "300"),
        confirm_timeout=_number(environment, "MR_CONFIRM_TIMEOUT", "30"),
        # gevent's own variable for the same question. Its default is 0.1 s; a pod on a crowded node is late by as much.
        blocked_after=_number(environment, "GEVENT_MAX_BLOCKING_TIME", "0.5"),
        unnamed_after=_number(environment, "MR_UNNAMED_AFTER", str(UNNAMED_AFTER)),
        events=environment.get("MR_EVENTS") == "true",
    )


def _number(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name) or default
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is not a number") from None
    if not 0 <= number < inf:
        raise ValueError(f"{name}={text!r} is not a number from 0")
    return number


def _port(environment: Mapping[str, str]) -> int:
    port = _number(environment, "MR_PORT", "9090")
    if port >= 65536:
        raise ValueError(f"MR_PORT={port:g} is not a port: write one below 65536")
    return int(port)
