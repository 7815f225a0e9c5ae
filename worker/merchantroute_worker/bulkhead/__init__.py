"""The per-merchant concurrency limit: whether a merchant may have another slot. Pure, and one lock."""
