"""The order's message format: Celery protocol 2 in JSON, with the journal of finished steps in the body's embed.

Pure. There are two errors, for two reasons in dead letters: Undecodable (not JSON) and Malformed (JSON that is not an
order).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from merchantroute_worker.orders.answers import FAILURES, FAULTS, FORBIDDEN, MAX_CAUSE
from merchantroute_worker.orders.steps.step import METHODS, Step, parse_step
from merchantroute_worker.orders.steps.values import NO_VALUES
from merchantroute_worker.orders.task_body import Malformed, TaskBody, parse

JOURNAL = "merchantroute"
PUBLISHED_AT = "mr-published-at"
FIRST_SEEN = "mr-first-seen"
MAX_ID_BYTES = 255
DOTS = frozenset({".", ".."})
"""The dot segments of RFC 3986, section 5.2.4: servers and proxies resolve them, and no quoting keeps them from it."""
CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx", "429", *sorted(FAILURES), *sorted(FAULTS), FORBIDDEN)
"""The classes of answers, as headers and journals name them."""
MAX_COUNT = 2**31 - 1
TRACE_CONTEXT = ("traceparent", "tracestate")
ETA_WORTH_WAITING = 1.0
"""Seconds: an order with a later ETA waits on the ladder, without a slot."""
_MAX_CONTEXT_LENGTH = 512  # characters, the minimum that W3C asks for a tracestate
DeliveryKey = tuple[str, str, int, int, int]
"""Identifies one stay of one order in a queue: merchant, order id, publication, attempts, and rounds that were none.
Ids alone do not: two merchants may both have an order 1001, and a producer may publish a corrected order with its old
id.
"""


class NewerJournal(Malformed):
    """The journal was written by a newer worker than this one."""


@dataclass(frozen=True, kw_only=True)
class Journal:
    """An order's progress so far. `steps` are those it began with, None before its first attempt; `unsure` are steps
    that the merchant may have executed without our knowing; `not_before` (epoch seconds) is when the merchant wants to
    be called again; `answer` is the class of its last answer, `answer_text` that answer in words. `refusals` are
    its uncounted rounds on the ladder, but for the `waits` for its ETA. `merchant_in_key` says that its idempotency
    keys name the merchant; it stays as it was decided first, or a merchant would take a repeat for another order.
    `captured` are values that finished steps kept of their answers; `own_attempts` are the attempts that ended at a
    step with a limit of its own, by step: they do not count for the route's.
    """

    steps: tuple[Step, ...] | None = None
    done: tuple[str, ...] = ()
    attempts: int = 0
    refusals: int = 0
    unsure: tuple[str, ...] = ()
    not_before: float | None = None
    answer: str | None = None
    answer_text: str | None = None
    waits: int = 0
    merchant_in_key: bool = False
    captured: Mapping[str, Any] = field(default_factory=dict)
    own_attempts: Mapping[str, int] = field(default_factory=dict)

    def as_json(self, steps: tuple[Step, ...]) -> dict[str, Any]:
        """The journal as a JSON document; `steps` are used if the order has not begun."""
        steps = self.steps or steps
        document: dict[str, Any] = {
            # What a worker that reads version 1 only must not take for a call that it knows.
            "v": 1 if all(step.shape is None for step in steps) else 2,
            "steps": [step.as_json() for step in steps],
            "done": list(self.done),
            "attempts": self.attempts,
            "refusals": self.refusals,
        }
        if self.captured:
            document["captured"] = dict(self.captured)
        if self.own_attempts:
            document["ownAttempts"] = dict(self.own_attempts)
        if self.waits:
            document["waits"] = self.waits
        if self.merchant_in_key:
            document["merchantInKey"] = True
        if self.unsure:
            document["unsure"] = list(self.unsure)
        if self.not_before is not None:
            document["notBefore"] = round(self.not_before * 1000)
        if self.answer is not None:
            document["answer"] = self.answer
        if self.answer_text is not None:
            document["answerText"] = self.answer_text
        return document


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order. Times are epoch seconds, None if not stamped yet."""

    id: str
    merchant: str
    journal: Journal
    published_at: float | None
    first_seen: float | None
    publication: int
    """Distinguishes publications with the same merchant and id; see `publication`."""
    body: TaskBody = field(repr=False)
    trace: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The W3C trace context that the message carries."""
    journal_ignored: bool = False
    """Its message carried a journal that is not a worker's."""

    @property
    def payload(self) -> bytes:
        """The order as its producer wrote it, in JSON: what merchants get."""
        return self.body.order

    @property
    def delivery_key(self) -> DeliveryKey:
        """Identifies this stay of the order in a queue: it changes whenever the order is published again."""
        journal = self.journal
        return (self.merchant, self.id, self.publication, journal.attempts, journal.refusals + journal.waits)

    def with_journal(self, journal: Journal) -> "Order":
        """The same order with another journal."""
        # Like `dataclasses.replace`, without copying field by field.
        order = object.__new__(Order)
        order.__dict__.update(self.__dict__, journal=journal)
        return order

    def encode(self, steps: tuple[Step, ...]) -> bytes:
        """The body to publish: the original one, with the current journal."""
        return self.body.with_embed({**self.body.embed, JOURNAL: self.journal.as_json(steps)})


def read(
    *,
    body: bytes,
    headers: Mapping[str, Any],
    correlation_id: str | None,
    routing_key: str | None,
    as_published: bool = False,
) -> Order:
    """Parse one message. Undecodable or Malformed say why it is not an order. `as_published` means that the body is a
    producer's: a journal in it is not read, and the order begins anew.
    """
    parts = parse(body)
    order_id = correlation_id or headers.get("id")
    if not isinstance(order_id, str) or not order_id:
        raise Malformed("the order has neither a correlation_id nor a task id")
    if not routing_key:
        raise Malformed("the order names no merchant: its routing key is empty")
    for what, text in (("id", order_id), ("merchant", routing_key)):
        if text in DOTS:
            raise Malformed(f"the order's {what} is {text!r}, which as a part of a URL's path stands for another place")
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise Malformed(f"the order's {what} is {text!r}, which is no text: it has no form in UTF-8") from None
        if size > MAX_ID_BYTES:
            raise Malformed(f"the order's {what} is longer than {MAX_ID_BYTES} bytes")
    return Order(
        id=order_id,
        merchant=routing_key,
        journal=_NEW if as_published else _journal(parts.embed.get(JOURNAL)),
        published_at=_milliseconds(headers.get(PUBLISHED_AT)),
        first_seen=_milliseconds(headers.get(FIRST_SEEN)),
        publication=publication(headers, parts.order),
        body=parts,
        trace=context_of(headers),
        journal_ignored=as_published and JOURNAL in parts.embed,
    )


def publication(headers: Mapping[str, Any], content: bytes) -> int:
    """What distinguishes this publication from others with the same merchant and id: when it was published, if somebody
    has stamped it, and what. `content` is the order, or a task's body. The number holds for this process only.
    """
    stamp = headers.get(PUBLISHED_AT)
    return hash((stamp if isinstance(stamp, int) else None, content))


def _journal(document: Any) -> Journal:
    if document is None:
        return _NEW
    try:
        _check_version(document)
        return Journal(
            steps=tuple(parse_step(step) for step in document["steps"]) or None,
            done=_names(document["done"]),
            attempts=_counted(document["attempts"]),
            refusals=_counted(document["refusals"]),
            unsure=_names(document.get("unsure", [])),
            not_before=_milliseconds(document.get("notBefore")),
            answer=document.get("answer") if document.get("answer") in CLASSES else None,
            answer_text=_answer_text(document.get("answerText")),
            waits=_counted(document.get("waits", 0)),
            merchant_in_key=document.get("merchantInKey") is True,
            captured=_mapping(document.get("captured")),
            own_attempts={name: _counted(count) for name, count in _mapping(document.get("ownAttempts")).items()},
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Malformed(f"the order's journal does not have the agreed shape: {error}") from None


def _check_version(document: Mapping[str, Any]) -> None:
    """NewerJournal or Malformed unless this worker reads journals of this version, with steps of these methods."""
    version = document["v"]
    if version not in {1, 2} or isinstance(version, bool):
        error = NewerJournal if isinstance(version, int) and version > 2 else Malformed
        raise error(f"the order's journal is of version {version!r}, this worker reads versions 1 and 2")
    for step in document["steps"]:
        method = step["request"]["method"] if "request" in step else step["method"]
        if isinstance(method, str) and method not in METHODS and _IS_METHOD(method):
            raise NewerJournal(f"a step of the order has the method {method}, this worker knows {', '.join(METHODS)}")


_NEW = Journal()
_IS_METHOD = re.compile(r"[A-Z]{2,20}").fullmatch


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("`done` and `unsure` must be lists of names")
    return tuple(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is None:
        return NO_VALUES
    if not isinstance(value, dict):
        raise TypeError("`captured` and `ownAttempts` must be objects")
    return value


def _counted(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise TypeError("attempts and refusals must be whole numbers from 0")
    return value


def _answer_text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= MAX_CAUSE and value.isprintable() else None


def _milliseconds(value: Any) -> float | None:
    return value / 1000 if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def context_of(headers: Mapping[str, Any]) -> Mapping[str, str]:
    """The trace context among the headers, if valid as HTTP headers; empty without one."""
    found = {name: headers[name] for name in TRACE_CONTEXT if _is_header(headers.get(name))}
    return found if "traceparent" in found else {}


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_CONTEXT_LENGTH and value.isascii() and value.isprintable()


def header_time(headers: Mapping[str, Any], name: str, zone: tzinfo = UTC) -> float | None:
    """A header's time as epoch seconds, None without it; Malformed when it is not a time.

    Celery writes ETA and expiry as ISO 8601; a time without a zone is in `zone`, as in Celery's
    worker, which takes its app's.
    """
    value = headers.get(name)
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"the header {name} is {value!r}, not an ISO 8601 time") from None
