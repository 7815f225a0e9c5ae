"""The pure core: values that describe an order, and the decisions about it."""
