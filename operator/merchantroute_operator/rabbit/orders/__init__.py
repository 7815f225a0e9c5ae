"""Orders of a queue over AMQP: moved to an exchange, or counted by what the queue's leader says."""
