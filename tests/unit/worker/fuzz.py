"""What the fuzz tests share: JSON, AMQP values and mutations, drawn the same in every run.

Derandomised, because a test that fails now and then is a defect of the test, and without shrinking, which can take
minutes. Whoever wants to search further raises `max_examples` and takes `derandomize` away.
"""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import amqp
from hypothesis import Phase, settings
from hypothesis import strategies as st

from merchantroute_worker.orders.messages import Outgoing

FUZZ = settings(
    derandomize=True, deadline=None, max_examples=200, database=None, phases=[Phase.explicit, Phase.generate]
)
MOST = 2**63 - 1
# Halves of surrogate pairs too: JSON and py-amqp let them through.
TEXTS = st.text(max_size=20) | st.text(st.characters(categories=["Cs", "Cc", "Lo", "Nd"]), max_size=4)
NUMBERS = st.integers() | st.integers(-3, 3) | st.floats() | st.sampled_from([2**31, 2**63, 2**64, -(2**63), 10**400])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
# What py-amqp hands over for the field types of a table.
AMQP: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), MOST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.binary(max_size=20)
    | st.datetimes(datetime(1970, 1, 2), datetime(9990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def dumped(document: Any) -> bytes:
    """JSON as a careless producer writes it: NaN and infinities, and floats that no double holds."""
    return json.dumps(document).replace('"1e999"', "1e999").encode()


def _places(document: Any) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    found: list[tuple[Any, ...]] = []
    children: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        children = list(document.items())
    elif isinstance(document, list):
        children = list(enumerate(document))
    for key, value in children:
        found.append((key,))
        found.extend((key, *rest) for rest in _places(value))
    return found


@st.composite
def mutated(draw: Callable[..., Any], good: Any, values: st.SearchStrategy[Any] = JSON) -> Any:
    """A good document with up to three of its values replaced or taken away."""
    document = copy.deepcopy(good)
    for _ in range(draw(st.integers(0, 3))):
        places = _places(document)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inside = document
        for key in way:
            inside = inside[key]
        if draw(st.booleans()):
            inside[last] = draw(values)
        else:
            del inside[last]
    return document


def encodable(message: Outgoing) -> bool:
    """Whether AMQP has a form for the message: what the publisher does before it writes."""
    content = amqp.Message(message.body, application_headers=dict(message.headers), **message.properties)
    try:
        content._serialize_properties()
    except Exception:  # noqa: BLE001 - whatever it is, it is not on the wire
        return False
    return True
