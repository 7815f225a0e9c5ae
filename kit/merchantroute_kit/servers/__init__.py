"""The servers around a worker, started on this machine: RabbitMQ in a container, virtual hosts, merchants."""
