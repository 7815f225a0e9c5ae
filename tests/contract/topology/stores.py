"""RabbitMQ's metadata stores: a change has to be safe in each."""

import pytest

IN_EACH_STORE = pytest.mark.parametrize("store", ["mnesia", "khepri"], indirect=True)
"""Once with the store of 4.0, once with Khepri, that of 4.2 and later."""
