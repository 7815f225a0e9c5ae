"""What the operator costs with many routes: one process on a real API server and a real RabbitMQ."""
