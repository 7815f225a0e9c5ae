"""What a merchant does to those who call it, and what it decides for one call.

A behaviour is set over HTTP (see `admin`), read from JSON by `parse`, and turned into a plan for a single call by
`decide`. Nothing here does I/O, so each misbehaviour can be tested as a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from merchant_sim.auth import Auth
from merchant_sim.latency import Latency


class BehaviourError(ValueError):
    """A PUT that asks for what no merchant can be told to do; the message names the field."""


class Kind(StrEnum):
    """The names that PUT /admin/merchants/<id> takes as `behaviour`."""

    NORMAL = "normal"
    HANG = "hang"
    DRIP = "drip"
    ERROR = "error"
    REFUSE = "refuse"
    THROTTLE = "throttle"
    RESET = "reset"
    MUTE = "mute"


class Outcome(StrEnum):
    """What happens to one call. Only ANSWER, DRIP, RESET_AFTER and MUTE let the order take effect at the merchant."""

    ANSWER = "answer"
    HANG = "hang"  # received, never answered
    DRIP = "drip"  # answered a byte at a time
    ERROR = "error"  # `error_status`
    REFUSE = "refuse"  # closed unread
    THROTTLE = "throttle"  # 429
    RESET_BEFORE = "reset-before"  # received, forgotten, RST
    RESET_AFTER = "reset-after"  # carried out, RST in the middle of the answer
    MUTE = "mute"  # carried out, never answered


@dataclass(frozen=True)
class Behaviour:
    """A merchant's manner. `error_rate` is the share of calls answered `error_status`; `drip_ms` the pause between two
    bytes. With `conflict` it answers 409 to an order that it has, whatever the key, as those do that know nothing of
    keys. A merchant that throttles takes `calls_per_s` calls in any second and answers the others 429. `poison` is an
    order whose every call is answered `error_status`.
    """

    kind: Kind = Kind.NORMAL
    latency: Latency = field(default_factory=Latency)
    error_rate: float = 0.0
    error_status: int = 500
    calls_per_s: int = 0
    poison: str | None = None
    retry_after_s: int = 1
    drip_ms: float = 400.0
    conflict: bool = False
    auth: Auth | None = None


@dataclass(frozen=True)
class Plan:
    """The decision for one call: what happens, and after how many seconds."""

    outcome: Outcome
    delay: float


_PLAIN = {
    Kind.NORMAL: Outcome.ANSWER,
    Kind.ERROR: Outcome.ANSWER,
    Kind.HANG: Outcome.HANG,
    Kind.DRIP: Outcome.DRIP,
    Kind.REFUSE: Outcome.REFUSE,
    Kind.THROTTLE: Outcome.THROTTLE,
    Kind.MUTE: Outcome.MUTE,
}


def decide(behaviour: Behaviour, dice: Random) -> Plan:
    """What this call meets. `dice` is the only source of chance."""
    if behaviour.kind is Kind.RESET:
        outcome = Outcome.RESET_AFTER if dice.random() < 0.5 else Outcome.RESET_BEFORE
    else:
        outcome = _PLAIN[behaviour.kind]
    if outcome is Outcome.ANSWER and dice.random() < behaviour.error_rate:
        outcome = Outcome.ERROR
    return Plan(outcome, behaviour.latency.draw(dice))


def parse(body: object, base: Behaviour) -> Behaviour:
    """The behaviour that a PUT asks for; what it leaves out is taken from `base`. BehaviourError names a wrong field.

    `{"behaviour": "error"}` alone means that every call fails.
    """
    if not isinstance(body, Mapping):
        raise BehaviourError("the body must be a JSON object")
    known = set(as_json(base))
    if unknown := sorted(set(body) - known):
        raise BehaviourError(f"unknown field {unknown[0]!r}; known are {', '.join(sorted(known))}")
    kind = _kind(body.get("behaviour", base.kind))
    rate = body.get("error_rate", 1.0 if kind is Kind.ERROR else base.error_rate)
    latency = body.get("latency", {})
    if not isinstance(latency, Mapping) or set(latency) - {"p50_ms", "p99_ms"}:
        raise BehaviourError('latency: need an object like {"p50_ms": 80, "p99_ms": 250}')
    conflict = body.get("conflict", base.conflict)
    if not isinstance(conflict, bool):
        raise BehaviourError(f"conflict: need true or false, got {conflict!r}")
    poison = body.get("poison", base.poison)
    if poison is not None and not isinstance(poison, str):
        raise BehaviourError(f"poison: need an order's id or null, got {poison!r}")
    p50 = _number("latency.p50_ms", latency.get("p50_ms", base.latency.p50_ms))
    p99 = _number("latency.p99_ms", latency.get("p99_ms", max(p50, base.latency.p99_ms)))
    return replace(
        base,
        kind=kind,
        latency=Latency(p50, p99),
        error_rate=_number("error_rate", rate, most=1.0),
        error_status=int(_number("error_status", body.get("error_status", base.error_status), least=400, most=599)),
        calls_per_s=int(_number("calls_per_s", body.get("calls_per_s", base.calls_per_s))),
        poison=poison,
        retry_after_s=int(_number("retry_after_s", body.get("retry_after_s", base.retry_after_s))),
        drip_ms=_number("drip_ms", body.get("drip_ms", base.drip_ms)),
        conflict=conflict,
        auth=Auth.parse(body["auth"]) if "auth" in body else base.auth,
    )


def as_json(behaviour: Behaviour) -> dict[str, object]:
    """The same shape that `parse` reads, without the secret of `auth`."""
    return {
        "behaviour": behaviour.kind.value,
        "latency": {"p50_ms": behaviour.latency.p50_ms, "p99_ms": behaviour.latency.p99_ms},
        "error_rate": behaviour.error_rate,
        "error_status": behaviour.error_status,
        "calls_per_s": behaviour.calls_per_s,
        "poison": behaviour.poison,
        "retry_after_s": behaviour.retry_after_s,
        "drip_ms": behaviour.drip_ms,
        "conflict": behaviour.conflict,
        "auth": behaviour.auth.type if behaviour.auth else None,
    }


def _kind(value: object) -> Kind:
    try:
        return Kind(str(value))
    except ValueError:
        raise BehaviourError(f"behaviour: {value!r} is none of {', '.join(Kind)}") from None


def _number(name: str, value: object, *, least: float = 0, most: float = 86_400_000.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BehaviourError(f"{name}: need a number from {least:g} to {most:g}, got {value!r}")
    return float(value)
