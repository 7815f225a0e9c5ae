"""Texts and JSON documents with variables, parsed once and filled in for each order. No language: a variable is
replaced by its value, and nothing is computed.

`{order_id}`, `{merchant}`, `{order}` (the whole order), `{/customer/name}` (a JSON pointer into the order),
`{fields.storeId}` (a merchant's field), and any other name is a captured value. With `?` at its end, as in `{/note?}`,
what holds the variable is left out where the value is missing or null. `{{` and `}}` are braces.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from merchantroute_worker.orders.steps.json_text import scalar_text
from merchantroute_worker.orders.steps.pointer import MISSING, parse_pointer
from merchantroute_worker.orders.steps.values import RequestNotBuilt, Values, Variable

FIELDS = "fields."
_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}").fullmatch
_DEEPEST = 32


class Text(NamedTuple):
    """A text as it was written, and its parts: literal texts and variables."""

    source: str
    parts: tuple[str | Variable, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Its variables, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Variable))


def parse_text(source: Any) -> Text:
    """Parse a text; ValueError says what no variable can be."""
    if not isinstance(source, str):
        raise TypeError(f"a text is wanted, not {type(source).__name__}")
    parts: list[str | Variable] = []
    literal, end = "", 0
    for match in _PARTS.finditer(source):
        literal += source[end : match.start()]
        end = match.end()
        if match[0] in {"{{", "}}"}:
            literal += match[0][0]
            continue
        if match[1] is None:
            raise ValueError(f"the text {source!r} has a brace without its other one: write {{{{ or }}}} for a brace")
        if literal:
            parts.append(literal)
        literal = ""
        parts.append(_variable(match[1]))
    literal += source[end:]
    if literal:
        parts.append(literal)
    return Text(source, tuple(parts))


def _variable(written: str) -> Variable:
    name, optional = (written[:-1], True) if written.endswith("?") else (written, False)
    if name in {"order_id", "merchant", "order"}:
        return Variable(name, name, (), optional)
    if name.startswith("/"):
        return Variable("order", name, parse_pointer(name), optional)
    kind, bare = ("field", name.removeprefix(FIELDS)) if name.startswith(FIELDS) else ("capture", name)
    if not _NAME(bare):
        raise ValueError(
            f"there is no variable {{{written}}}: write {{order_id}}, {{merchant}}, {{order}}, a JSON pointer into the "
            "order such as {/customer/name}, {fields.NAME}, or the name of a captured value"
        )
    return Variable(kind, bare, (), optional)


def fill_text(text: Text, values: Values, *, of: str) -> str | None:
    """Fill in a text; None where it is left out. `of` says where it stands, for RequestNotBuilt."""
    filled: list[str] = []
    for part in text.parts:
        if isinstance(part, str):
            filled.append(part)
            continue
        value = values.find(part)
        if part.optional and (value is MISSING or value is None):
            return None
        filled.append(as_text(part, value, of=of))
    return "".join(filled)


def as_text(variable: Variable, value: Any, *, of: str) -> str:
    """A variable's value as text; RequestNotBuilt where it is missing, null, a list or an object."""
    if value is MISSING:
        raise RequestNotBuilt(f"{of} needs {shown(variable)}, which is missing")
    text = scalar_text(value)
    if text is None:
        raise RequestNotBuilt(f"{of} needs {shown(variable)} as a text, a number or a boolean, which it is not")
    return text


def shown(variable: Variable) -> str:
    """A variable in words, for people: which value it means."""
    if variable.kind == "order":
        return f"{variable.name} of the order" if variable.pointer else "the order"
    return f"the {'field' if variable.kind == 'field' else 'captured value'} {variable.name}"


class Tree(NamedTuple):
    """A JSON document with variables: `node` is a Text, a dict or list of nodes, or any other value as it is."""

    node: Any


def parse_tree(document: Any) -> Tree:
    """Parse a JSON document; the texts in it may hold variables, the names of members may not."""
    return Tree(_node(document, 0))


def _node(document: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"a body is nested more than {_DEEPEST} deep")
    if isinstance(document, str):
        text = parse_text(document)
        return text if text.variables else "".join(part for part in text.parts if isinstance(part, str))
    if isinstance(document, dict):
        return {name: _node(value, depth + 1) for name, value in document.items()}
    if isinstance(document, list):
        return [_node(value, depth + 1) for value in document]
    return document


def fill_tree(tree: Tree, values: Values, *, of: str) -> Any:
    """Fill in a document. A text that is one variable becomes its value, of any type; MISSING if all is left out."""
    return _filled(tree.node, values, of)


def _filled(node: Any, values: Values, of: str) -> Any:
    if isinstance(node, Text):
        return _filled_text(node, values, of)
    if isinstance(node, dict):
        members = ((name, _filled(value, values, of)) for name, value in node.items())
        return {name: value for name, value in members if value is not MISSING}
    if isinstance(node, list):
        return [value for value in (_filled(each, values, of) for each in node) if value is not MISSING]
    return node


def _filled_text(text: Text, values: Values, of: str) -> Any:
    first = text.parts[0]
    if len(text.parts) > 1 or isinstance(first, str):
        filled = fill_text(text, values, of=of)
        return MISSING if filled is None else filled
    value = values.find(first)
    if value is MISSING and not first.optional:
        raise RequestNotBuilt(f"{of} needs {shown(first)}, which is missing")
    return MISSING if value is None and first.optional else value


def texts_of(tree: Tree) -> Iterator[Text]:
    """All texts with variables in a document."""
    waiting = [tree.node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Text):
            yield node
        elif isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
