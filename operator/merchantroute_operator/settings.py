"""Settings of an installation of the operator, from the environment of its pod."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.spec.broker_rules import BrokerRules

PREFIX = "MR_OPERATOR_"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # what a namespace can be called


@dataclass(frozen=True, slots=True)
class Settings:
    """``namespace`` holds the Lease, ``identity`` names this pod in it. Times are seconds.

    ``resync`` lies between full passes over a route that nothing happens to, ``tick`` between decisions of the scaler.
    ``namespaces`` are those whose routes it keeps, none meaning all; ``brokers`` says which brokers it
    may connect to.
    """

    namespace: str
    identity: str
    resync: float
    tick: float
    health_port: int
    metrics_port: int
    namespaces: tuple[str, ...] = ()
    brokers: BrokerRules = field(default_factory=BrokerRules)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read MR_OPERATOR_NAMESPACE, _POD, _RESYNC_SECONDS, _TICK_SECONDS, _HEALTH_PORT, _METRICS_PORT and
        _NAMESPACES.

        ``BrokerRules.from_env`` reads the others. What is absent or empty has a default; the pod's is the host name.
        Raises ``ValueError`` that names a variable that makes no sense, and what to write.
        """
        return cls(
            namespace=environment.get(f"{PREFIX}NAMESPACE") or "merchantroute-system",
            identity=environment.get(f"{PREFIX}POD") or socket.gethostname(),
            resync=_number(environment, "RESYNC_SECONDS", 25.0),
            tick=_number(environment, "TICK_SECONDS", 2.0),
            health_port=int(_number(environment, "HEALTH_PORT", 8080)),
            metrics_port=int(_number(environment, "METRICS_PORT", 9090)),
            namespaces=_namespaces(environment),
            brokers=BrokerRules.from_env(environment),
        )


def _namespaces(environment: Mapping[str, str]) -> tuple[str, ...]:
    variable = "MR_OPERATOR_NAMESPACES"
    names = [name for each in environment.get(variable, "").split(",") if (name := each.strip())]
    if wrong := next((name for name in names if not _LABEL.fullmatch(name)), ""):
        raise ValueError(f"{variable}: {wrong} is no namespace's name: write names with commas between them")
    return tuple(dict.fromkeys(names))


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(f"{PREFIX}{name}") or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"{PREFIX}{name}={text}: write a number above 0")
    return number
