"""What a pod knows about a merchant when an attempt of one of its orders has failed. Pure: the bulkhead creates it,
decisions read it.
"""

from typing import NamedTuple


class MerchantHealth(NamedTuple):
    """The merchant's run of answers, by which one of them is judged. `wait` is the time in seconds that the merchant's
    orders wait at least: it asked for that, or refuses the credentials. `credentials_refused` is False after a 403 that
    concerns the order: the merchant takes others. `names_fail` means that our own name server is the cause.
    """

    slow: bool = False
    wait: float = 0.0
    credentials_refused: bool = False
    names_fail: bool = False
