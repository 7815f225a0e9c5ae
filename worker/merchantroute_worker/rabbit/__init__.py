"""AMQP: the broker's address, connections, confirmed publishing, frames and headers."""
