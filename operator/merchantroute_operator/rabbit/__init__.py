"""The port to RabbitMQ: topology and figures over the management API, pulses and moved orders over AMQP."""
