"""Judges the texts with variables in a step's request: what workers would not understand is refused here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from merchantroute_operator.spec.invalid import SpecInvalid

FIELDS = "fields."
ALWAYS = frozenset({"order_id", "merchant", "order"})
_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}").fullmatch
_DEEPEST = 32


def is_pointer(text: str) -> bool:
    """Whether a text is a JSON pointer (RFC 6901)."""
    return not text or (text.startswith("/") and not re.search(r"~(?![01])", text))


def judge_text(text: str, known: Set[str], where: str, *, optional: bool = True) -> frozenset[str]:
    """The merchant's fields that a text needs; ``known`` are the names that steps before captured.

    Raises:
        SpecInvalid: it has a variable that is none, or that nothing captured yet; ``where`` names the field.
    """
    needed: set[str] = set()
    for match in _PARTS.finditer(text):
        if match[0] in {"{{", "}}"}:
            continue
        if match[1] is None:
            raise SpecInvalid(f'{where}: "{text}" has a brace without its other one; write {{{{ or }}}} for a brace')
        name = match[1].removesuffix("?")
        if name != match[1] and not optional:
            raise SpecInvalid(f'{where}: "{{{match[1]}}}" may be left out, and a path has no such part; remove the ?')
        _judge(name, known, where)
        if name.startswith(FIELDS) and name == match[1]:
            needed.add(name.removeprefix(FIELDS))
    return frozenset(needed)


def _judge(name: str, known: Set[str], where: str) -> None:
    if name in ALWAYS or name in known or (name.startswith("/") and is_pointer(name)):
        return
    if name.startswith(FIELDS) and _NAME(name.removeprefix(FIELDS)):
        return
    if name.startswith("/"):
        raise SpecInvalid(f'{where}: "{name}" is no JSON pointer; write ~0 for ~ and ~1 for / within a name')
    captured = ", ".join(f"{{{each}}}" for each in sorted(known)) or "nothing so far"
    raise SpecInvalid(
        f"{where}: there is no variable {{{name}}}; write {{order_id}}, {{merchant}}, {{order}}, {{fields.NAME}}, "
        f"a JSON pointer such as {{/customer/id}}, or what a step before it captures ({captured})"
    )


def judge_document(document: Any, known: Set[str], where: str) -> frozenset[str]:
    """The same for a JSON document with texts in it; its members' names hold no variables."""
    texts = list(_texts(document, where, 0))
    return frozenset().union(*(judge_text(text, known, where) for text in texts))


def _texts(document: Any, where: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise SpecInvalid(f"{where}: it is nested more than {_DEEPEST} deep; write a flatter document")
    if isinstance(document, str):
        yield document
    for below in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _texts(below, where, depth + 1)
