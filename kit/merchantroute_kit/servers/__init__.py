"""What a worker needs around it, started on this machine: RabbitMQ in a container, virtual hosts, merchants."""
