"""JSON pointers find what the standard says, and what the field's library finds."""

import pickle
from typing import Any

import jsonpointer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.orders.steps.pointer import MISSING, follow, parse_pointer
from tests.unit.worker.fuzz import FUZZ, JSON

RFC: Any = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", RFC), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3),
        ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
        ("/foo/2", MISSING), ("/foo/-", MISSING), ("/foo/00", MISSING), ("/foo/0/0", MISSING), ("/none", MISSING),
    ],
)  # fmt: skip
def test_the_standard_s_own_examples(text: str, value: Any) -> None:
    assert follow(RFC, parse_pointer(text)) == value


@pytest.mark.parametrize("text", ["foo", "foo/bar", "/~", "/a~2b", "/a~"])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        parse_pointer(text)


@FUZZ
@given(st.recursive(JSON, lambda each: st.dictionaries(st.sampled_from(["a", "~", "/", "0"]), each)), st.data())
def test_the_field_s_library_finds_the_same(document: Any, data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.sampled_from(["a", "0", "1", "~0", "~1", "", "01", "x"]), max_size=4))
    text = "".join(f"/{token}" for token in tokens)
    expected = jsonpointer.resolve_pointer(document, text, MISSING)

    assert follow(document, parse_pointer(text)) is expected


def test_what_is_missing_stays_one_object_on_its_way_to_a_child_process() -> None:
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING  # noqa: S301 - our own bytes
