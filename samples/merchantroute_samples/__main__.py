"""`python -m merchantroute_samples`: make samples/orders.jsonl anew."""

import sys
from pathlib import Path

from merchantroute_samples.generate import write

OUT = Path(__file__).resolve().parents[1] / "orders.jsonl"

if __name__ == "__main__":
    sys.stdout.write(f"{write(OUT)} orders in {OUT}\n")
