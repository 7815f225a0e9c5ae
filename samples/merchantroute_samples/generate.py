"""The generator of samples/orders.jsonl (`python -m merchantroute_samples`). The same seed gives the same file.

One JSON object a line: {"line": n, "merchant": id, "order": {...}, "malformed"?: reason}. Merchants are chosen as
popularity is, by Zipf: the k-th most popular gets 1/k of the orders of the first. No line has an order id.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from merchantroute_samples.malformed import spoil
from merchantroute_samples.menus import MERCHANTS
from merchantroute_samples.orders import make_order

SEED = 20_260_101
LINES = 2_400
MALFORMED = 20


def generate(*, lines: int = LINES, malformed: int = MALFORMED, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """The sample, line by line; the malformed ones are spread evenly, over merchants by chance."""
    dice = Random(seed)
    weights = [1 / rank for rank in range(1, len(MERCHANTS) + 1)]
    every = lines // malformed
    for number in range(1, lines + 1):
        merchant = dice.choices(MERCHANTS, weights)[0]
        line: dict[str, Any] = {"line": number, "merchant": merchant.id, "order": make_order(merchant, dice)}
        if number % every == every // 2:
            line["order"], line["malformed"] = spoil(line["order"], number // every)
        yield line


def write(path: Path) -> int:
    """Write the sample; returns the number of lines."""
    text = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in generate()]
    path.write_text("".join(text), encoding="utf-8")
    return len(text)
