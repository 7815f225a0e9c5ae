"""Packing a message waits for no other thread: a child of a fork would wait for one that it does not have."""

import threading
from collections.abc import ItemsView, Iterator, Mapping

from merchantroute_worker.client.message import Message


class HeldUp(Mapping[str, str]):
    """Headers that are read no further until `go` is set."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __getitem__(self, name: str) -> str:
        return name

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        self.reached.set()
        self.go.wait()
        yield "x"

    def items(self) -> ItemsView[str, str]:
        return dict(self).items()


def message(headers: Mapping[str, str]) -> Message:
    return Message(order_id="o-1", merchant="bistro", published_at=1, body=b"{}", headers=headers)


def test_a_message_is_packed_while_another_thread_packs_one() -> None:
    held_up = HeldUp()
    slow = threading.Thread(target=lambda: message(held_up).packed, daemon=True)
    slow.start()
    assert held_up.reached.wait(60)

    meanwhile = threading.Thread(target=lambda: message({}).packed, daemon=True)
    meanwhile.start()
    meanwhile.join(10)
    waited = meanwhile.is_alive()
    held_up.go.set()

    assert not waited
    one = message({})
    assert one.packed is one.packed
