"""Connections to brokers' addresses: each is judged by the operator's rules when it is opened."""
