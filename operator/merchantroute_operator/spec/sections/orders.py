"""Parses ``spec.orders``: how a route's orders are worked."""

from __future__ import annotations

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Orders, Raw
from merchantroute_operator.spec.steps.step_list import parse_steps


def parse_orders(raw: Raw) -> Orders:
    """``spec.orders``; ``SpecInvalid`` names the field, the value and the remedy."""
    retry = raw.get("retry", {})
    if not raw.get("steps"):
        raise SpecInvalid(
            "spec.orders.steps: write at least one step, for example {name: submit, method: POST, path: /}"
        )
    workflows = raw.get("workflows", ())
    return Orders(
        steps=parse_steps(raw["steps"], "spec.orders.steps", longer=bool(workflows)),
        workflows={
            each["name"]: parse_steps(each["steps"], f"spec.orders.workflows[{each['name']}].steps", longer=True)
            for each in workflows
        },
        call_timeout=seconds(raw.get("callTimeout", "10s"), "spec.orders.callTimeout"),
        deadline=seconds(raw.get("deadline", "30s"), "spec.orders.deadline"),
        max_age=seconds(raw.get("maxAge", "24h"), "spec.orders.maxAge"),
        allow_insecure=raw.get("allowInsecure", False),
        max_attempts=retry.get("maxAttempts", 8),
        delays=_delays(retry.get("delays", ("1s", "15s", "2m"))),
        retry_after_max=seconds(retry.get("retryAfterMax", "10m"), "spec.orders.retry.retryAfterMax"),
        # Sorted, so that another order of the same rows is no new configuration.
        answers=tuple(sorted((row["answer"], row["then"]) for row in retry.get("answers", ()))),
    )


def _delays(texts: list[str] | tuple[str, ...]) -> tuple[int, ...]:
    """Milliseconds, sorted; each names a queue, so two that are equal (1s, 1000ms) cannot both be."""
    field = "spec.orders.retry.delays"
    found: dict[int, str] = {}
    for text in texts:
        ms = round(seconds(text, field) * 1000)
        if ms < 1:
            raise SpecInvalid(f'{field}: "{text}" is shorter than 1ms')
        if ms in found:
            raise SpecInvalid(f'{field}: "{found[ms]}" and "{text}" are the same delay; write it once')
        found[ms] = text
    if not found:
        raise SpecInvalid(f"{field}: write at least one delay")
    return tuple(sorted(found))
