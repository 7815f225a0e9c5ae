"""Wrappers around the Kubernetes and RabbitMQ ports: one caches, one only records, one notes what others changed."""
