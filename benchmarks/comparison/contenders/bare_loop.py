"""The limit: greenlets that call and do nothing else. No broker, no deadline, nothing to acknowledge."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402 - after patching
from itertools import count  # noqa: E402

import gevent  # noqa: E402

from benchmarks.comparison.contenders.series_gevent import SLOTS, carry  # noqa: E402
from benchmarks.orders import good_order  # noqa: E402

RUN = os.environ["BENCH_RUN"]


def main() -> None:
    """One order after the other in every slot, until the process is ended."""
    numbers = count()
    gevent.joinall([gevent.spawn(_slot, numbers) for _ in range(SLOTS)])


def _slot(numbers: "count[int]") -> None:
    for number in numbers:
        order_id = f"{RUN}-{number}"
        carry(order_id, f"merchant-{number % 20}", good_order(order_id))


if __name__ == "__main__":
    main()
