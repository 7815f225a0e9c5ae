"""A merchant gets the bytes that the producer wrote, on every way that an order takes."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from merchantroute_worker.calls.request import build
from merchantroute_worker.cli import dead_letter
from merchantroute_worker.cli.replay_message import replay_message
from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.envelope import Journal, Order
from merchantroute_worker.orders.messages import DeathReason, Incoming, Outgoing, to_dead, to_rung
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.task_body import Malformed, Undecodable, parse
from tests.unit.worker.fuzz import FUZZ
from tests.unit.worker.samples import route

SOME = settings(FUZZ, max_examples=80)
NUMBERS = st.sampled_from(
    ["19.90", "0.1234567890123456789", "1E5", "-0", "-0.0e-7", "1e999", "123456789012345678901234567890", "9" * 5000]
) | st.integers().map(str)
# As JSON has it: escapes of any letter, halves of surrogate pairs, and what is no ASCII as it is.
STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6).map(
    lambda text: json.dumps(text, ensure_ascii=False)
) | st.sampled_from(
    [r'"\u0041\/\n"', r'"\ud83d"', r'"\uD83D\uDE00"', '"ラーメン 🍜"', '"]}"', r'"\\\""', '"{[,:"', '""']
)
SPACES = st.sampled_from(["", "", " ", "\n\t", "\r "])
SCALARS = NUMBERS | STRINGS | st.sampled_from(["null", "true", "false"])


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects, also with a key that comes twice."""
    member = st.builds("{}{}{}:{}{}".format, SPACES, STRINGS, SPACES, SPACES, values)
    return st.builds("{{{}{}}}".format, st.lists(member, max_size=4).map(",".join), SPACES)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Arrays."""
    return st.builds(
        "[{}{}]".format, st.lists(st.builds("{}{}".format, SPACES, values), max_size=3).map(",".join), SPACES
    )


VALUES = st.recursive(SCALARS, lambda inner: objects(inner) | arrays(inner), max_leaves=8)
ORDERS = objects(VALUES)
EMBEDS = st.sampled_from(["{}", "null", '{"chain":null,"callbacks":[]}', '{ "merchantroute" : null }'])


@st.composite
def bodies(draw: Any) -> tuple[bytes, bytes]:
    """A body, and the order in it."""
    order = draw(ORDERS)
    others = draw(
        st.lists(st.builds("{}:{}".format, STRINGS, VALUES).filter(lambda text: '"order"' not in text), max_size=2)
    )
    name = draw(st.sampled_from(['"order"', r'"\u006frder"']))
    space = [draw(SPACES) for _ in range(4)]
    members = [
        *others[:1],
        *(['"order":7'] if draw(st.booleans()) else []),
        f"{name}{space[0]}:{space[1]}{order}",
        *others[1:],
    ]
    text = f"{space[2]}[{draw(arrays(VALUES))},{{{','.join(members)}}}{space[3]},{draw(EMBEDS)}]{space[0]}"
    return text.encode(), order.encode()


def read(message: Incoming | Outgoing) -> Order:
    return envelope.read(
        body=message.body, headers=message.headers, correlation_id="o-1", routing_key=message.routing_key
    )


def arrived(message: Outgoing) -> Incoming:
    return Incoming(message.routing_key, message.body, message.properties, message.headers)


@SOME
@given(bodies())
@example((b'[[],{"order":{"total":19.90,"exact":0.1234567890123456789,"n":1E5,"z":-0}},{}]',
          b'{"total":19.90,"exact":0.1234567890123456789,"n":1E5,"z":-0}'))  # fmt: skip
@example((b'[[],{"order":{"a":1,"a":2}},null]', b'{"a":1,"a":2}'))
def test_the_merchant_gets_the_order_s_bytes_whatever_way_it_took(given_body: tuple[bytes, bytes]) -> None:
    body, expected = given_body
    message = Incoming("bistro", body, {"correlation_id": "o-1"}, {})
    steps = route().steps
    order = read(message)
    for _ in range(2):
        order = order.with_journal(Journal(steps=steps, done=("validate",), attempts=order.journal.attempts + 1))
        message = arrived(to_rung(message, order, steps, exchange="ladder", rung=1_000))
        order = read(message)
        assert order.journal.attempts > 0
    dead = to_dead(message, DeathReason(reason="max-age"), exchange="dead", order=order, steps=steps)
    letter = dead_letter.read(
        tag=1,
        routing_key="bistro",
        body=dead.body,
        properties={**dead.properties, "application_headers": dead.headers},
        front_door="mr.orders.pos",
    )
    replayed = read(replay_message(letter, exchange="router", now=1.0, reset_attempts=True))

    merchant = Merchant(id="bistro", endpoint="https://pos.example")
    made = build(steps[0], replayed, merchant, attempt=1, insecure_hosts=())
    assert (read(Incoming("bistro", body, {}, {})).payload, made.body) == (expected, expected)
    assert f"Content-Length: {len(expected)}\r\n".encode() in made.head
    assert len(replayed.encode(steps)) <= len(body) + 500, "only the journal is added"


@SOME
@given(bodies(), st.integers(0, 200), st.sampled_from([b"", b",", b"]", b'"', b"\xff", b"}"]))
def test_a_body_that_is_broken_anywhere_is_refused_as_python_would(
    given_body: tuple[bytes, bytes], at: int, inserted: bytes
) -> None:
    body, _ = given_body
    place = at % (len(body) + 1)
    broken = body[:place] + inserted + body[place + (not inserted) :]
    try:
        json.loads(broken.decode("utf-8"), parse_int=str, parse_float=str)
        json_says = True
    except ValueError:
        json_says = False
    try:
        parse(broken)
    except Undecodable:
        assert not json_says
    except Malformed:
        assert json_says
    else:
        assert json_says


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'[[],{"order":{}},{"x":1e999}]', Undecodable),  # the embed is written again
        (b'[[],{"order":{"x":NaN}},{}]', Undecodable),
        (b'[[],{"order":{},},{}]', Undecodable),
        (b'[[],{"order":{}},{}]x', Undecodable),
        (b"[]", Malformed),
        (b"[[],{},{}]", Malformed),
        (b'[[],{"order":7},{}]', Malformed),
        (b'[[],{"order":{}},[]]', Malformed),
    ],
)
def test_what_is_no_order_has_its_reason(body: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        parse(body)
