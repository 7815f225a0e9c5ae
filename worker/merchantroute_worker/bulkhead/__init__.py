"""The per-merchant concurrency limit, pure but for one lock: whether a merchant may have another slot."""
