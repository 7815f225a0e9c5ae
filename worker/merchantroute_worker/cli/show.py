"""One dead letter in full, as JSON or text: headers, journal, body. Secrets are masked. Pure."""

import json
from typing import Any

from merchantroute_worker.cli.dead_letter import FIRST_PUBLISHED_AT, DeadLetter
from merchantroute_worker.cli.durations import age, iso
from merchantroute_worker.cli.table import summary
from merchantroute_worker.cli.terminal_text import masked, masked_text, plain, pretty, printable
from merchantroute_worker.orders.envelope import JOURNAL

SHOWN_OF_TEXT = 2000  # characters of a body that is no JSON
NOT_SHOWN = frozenset({"argsrepr", "kwargsrepr", "x-delivery-count", "x-acquired-count"})
"""Celery's own renderings of the arguments (the body has them, and secrets cannot be found in a rendering), and how
often RabbitMQ delivered the letter.
"""


def document(letter: DeadLetter) -> dict[str, Any]:
    """Give the letter as a JSON document."""
    body, journal = _body(letter.message.body)
    headers = {name: value for name, value in letter.message.headers.items() if name not in NOT_SHOWN}
    first = headers.get(FIRST_PUBLISHED_AT)
    return {
        **summary(letter),
        "firstPublishedAt": iso(first / 1000) if isinstance(first, int) else None,
        "headers": masked(headers),
        "properties": masked(dict(letter.message.properties)),
        "journal": journal,
        "body": body,
    }


def text(letter: DeadLetter, *, now: float) -> str:
    """Give the letter as text for a terminal. `now` is epoch seconds."""
    shown = document(letter)
    lines = [
        f"order {printable(letter.id or '-')} of merchant {printable(letter.merchant or '-')}",
        *_facts(letter, now),
    ]
    if shown["firstPublishedAt"]:
        lines.append(f"  first published  {shown['firstPublishedAt']}")
    lines += _steps(shown["journal"], by="a producer, not believed" if letter.message.as_published else None)
    lines += ["", "headers"]
    lines += [f"  {printable(str(name))}: {_one_line(value)}" for name, value in sorted(shown["headers"].items())]
    body = shown["body"]
    lines += ["", "body", printable(body) if isinstance(body, str) else pretty(body)]
    return "\n".join(lines)


def _facts(letter: DeadLetter, now: float) -> list[str]:
    facts = {
        "reason": letter.reason,
        "step": letter.step,
        "attempts": letter.attempts,
        "last answer": letter.answer,
        "published": _published(letter.published_at, now),
        "replays": letter.replays or None,
    }
    return [f"  {name:<15}  {printable(str(value))}" for name, value in facts.items() if value is not None]


def _published(at: float | None, now: float) -> str | None:
    return None if at is None else f"{iso(at)}, {age(now - at)} ago"


def _steps(journal: Any, *, by: str | None) -> list[str]:
    if not isinstance(journal, dict):
        return ["", "journal: none, no step was begun"]
    done, steps, unsure = (_list(journal.get(name)) for name in ("done", "steps", "unsure"))
    lines = [
        f"  [{'x' if each.get('name') in done else '?' if each.get('name') in unsure else ' '}] "
        f"{each.get('name')}: {each.get('method')} {each.get('path')}"
        for each in steps
        if isinstance(each, dict)
    ]
    marks = "x is done, ? is unsure" if unsure else "x is done"
    whose = f" (written by {by})" if by else ""
    counts = f"attempts {journal.get('attempts')}, refusals {journal.get('refusals')}"
    head = f"journal{whose}: {counts}; steps, {marks}"
    return ["", *(printable(line) for line in (head, *lines))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _body(body: bytes) -> tuple[Any, Any]:
    """(body, journal): JSON with its secrets hidden; text, shortened, where it is no JSON."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        shown = masked_text(body.decode("utf-8", "backslashreplace"))
        more = len(shown) - SHOWN_OF_TEXT
        return shown[:SHOWN_OF_TEXT] + (f"… ({more} more)" if more > 0 else ""), None
    if isinstance(parsed, list) and len(parsed) == 3 and isinstance(parsed[2], dict):
        embed = dict(parsed[2])
        journal = embed.pop(JOURNAL, None)
        return masked([parsed[0], parsed[1], embed]), masked(journal)
    return masked(parsed), None


def _one_line(value: Any) -> str:
    if isinstance(value, dict | list):
        return printable(json.dumps(value, ensure_ascii=False, default=plain))
    return printable(plain(value)).replace("\n", "\\n")
