"""A callback of geventhttpclient's parser that goes by another name is found at the start and told in one line."""

import pytest

from merchantroute_worker.calls.parser_self_test import check
from merchantroute_worker.calls.response_parser import ResponseParser
from merchantroute_worker.options import CannotStart

CALLED = ("_on_message_begin", "_on_headers_complete", "_on_body", "_on_message_complete")


def test_what_is_installed_is_as_it_was() -> None:
    check()


@pytest.mark.parametrize("name", CALLED)
def test_a_callback_that_is_not_called_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(ResponseParser, f"{name}_of_old", getattr(ResponseParser, name), raising=False)
    monkeypatch.delattr(ResponseParser, name)

    with pytest.raises(CannotStart, match=r"^geventhttpclient 2\.6\.\d+ does not .*: install ") as told:
        check()

    assert "\n" not in str(told.value)


def test_a_method_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResponseParser, "get_code", property(), raising=False)

    with pytest.raises(CannotStart, match="AttributeError"):
        check()
