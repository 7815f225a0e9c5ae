"""RabbitMQ's metadata stores: a change has to be safe in each."""

import pytest

IN_EACH_STORE = pytest.mark.parametrize("store", ["mnesia", "khepri"], indirect=True)
"""Once with the store of 4.0, once with Khepri, that of 4.2 and later."""

LONG_IN_EACH_STORE = pytest.mark.parametrize(
    "store", ["khepri", pytest.param("mnesia", marks=pytest.mark.extended)], indirect=True
)
"""Always with Khepri, whose nodes may lag; the store of 4.0 is that of the end-to-end tests."""
